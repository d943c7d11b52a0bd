// All targets of the fuzzer by name. Each is imported only when it is its turn, so that coverage sees its sources from their
// first line on.

import type { FuzzTarget } from './engine/fuzz-target.ts';

const loaders: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  requests: async () => (await import('./targets/requests.ts')).requests,
  answers: async () => (await import('./targets/answers.ts')).answers,
  chunks: async () => (await import('./targets/chunks.ts')).chunks,
  'http2-sessions': async () => (await import('./targets/http2-sessions.ts')).http2Sessions,
  fields: async () => (await import('./targets/fields.ts')).fields,
  paths: async () => (await import('./targets/paths.ts')).paths,
  'spiffe-ids': async () => (await import('./targets/spiffe-ids.ts')).spiffeIds,
  'proxy-headers': async () => (await import('./targets/proxy-headers.ts')).proxyHeaders,
  correlations: async () => (await import('./targets/correlations.ts')).correlations,
  certificates: async () => (await import('./targets/certificates.ts')).certificates,
  'identity-files': async () => (await import('./targets/identity-files.ts')).identityFiles,
};

export const targetNames: readonly string[] = Object.keys(loaders);

/** @throws TypeError for a name that is not in `targetNames` */
export function loadTarget(name: string): Promise<FuzzTarget> {
  const load = loaders[name];
  if (load === undefined) throw new TypeError(`no target \`${name}\``);
  return load();
}
