// Opens the identity source `workload-api` with what it is given: the call over the socket, and who this process is to
// the agent. Its parts (node:http2, a Protocol Buffers reader) are loaded only here.

import process from 'node:process';
import { bundleFilesOf } from '../config/federation-section.ts';
import type { IdentityConfig } from '../config/identity-section.ts';
import type { IdentityListeners, IdentitySource } from '../identity/source.ts';
import type { OpeningSource } from '../identity/workload-api/workload-api-source.ts';
import type { Clock } from '../lib/clock.ts';

/** Configuration of this source. */
export type AgentConfig = IdentityConfig & { readonly source: 'workload-api' };

/** Largest message of an agent, bytes; gRPC's own default is 4 MiB, too little for thousands of federated CAs. */
const mostMessageBytes = 16 * 1024 * 1024;

/** SPIFFE_Workload_Endpoint §3: proves that the request was meant for it. */
const metadata = { 'workload.spiffe.io': 'true' };

/** Begins to ask the agent for an identity. */
export async function beginAgentIdentity(
  config: AgentConfig,
  parts: IdentityListeners & { readonly clock: Clock },
): Promise<OpeningSource> {
  const { parseAgentAddress } = await import('../identity/workload-api/agent-address.ts');
  const { openWorkloadApiSource, workloadApiDefaults } = await import(
    '../identity/workload-api/workload-api-source.ts'
  );
  const { openServerStream } = await import('../grpc/server-stream.ts');
  const { socket, spiffeId, hint } = config.workloadApi;
  if (socket === null) throw new TypeError('a configuration without an agent was let through');
  const address = parseAgentAddress(socket);
  return openWorkloadApiSource({
    ...workloadApiDefaults,
    ...parts,
    endpoint: socket,
    spiffeId,
    hint,
    federation: bundleFilesOf(config.federation),
    caller: { pid: process.pid, uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 },
    random: Math.random,
    open: (method, listener) =>
      openServerStream({ address, method, request: new Uint8Array(0), metadata, mostMessageBytes }, listener),
  });
}

/**
 * Waits for the first identity for so long.
 * @throws PosternError saying what was waited for
 */
export async function openAgentIdentity(
  config: AgentConfig,
  parts: IdentityListeners & { readonly clock: Clock },
  patienceMs: number,
): Promise<IdentitySource> {
  const opening = await beginAgentIdentity(config, parts);
  const patience = setTimeout(() => opening.giveUp(), patienceMs);
  try {
    return await opening.ready;
  } finally {
    clearTimeout(patience);
  }
}
