// SPIRE's server and agent, built by `go` from the module as its authors published it: checked against Go's own sums, and
// kept in the cache of the checkout.

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = path.resolve(import.meta.dirname, '../../../node_modules/.cache');

export const spireVersion = 'v1.13.0';

/** Where the programs are. */
export interface SpirePrograms {
  readonly server: string;
  readonly agent: string;
}

/** Builds them, some minutes the first time. Throws with what `go` says where it cannot. */
export async function buildSpire(go: string): Promise<SpirePrograms> {
  const folder = path.join(cache, `spire-${spireVersion}`);
  const programs = { server: path.join(folder, 'spire-server'), agent: path.join(folder, 'spire-agent') };
  if (existsSync(programs.server) && existsSync(programs.agent)) return programs;
  mkdirSync(folder, { recursive: true });
  const { stdout } = await run(go, ['mod', 'download', '-json', `github.com/spiffe/spire@${spireVersion}`], {
    cwd: folder,
  });
  const { Dir: published } = JSON.parse(stdout) as { readonly Dir: string };
  const source = path.join(folder, 'source');
  // The cache of modules is read-only, and a main module must not lie in it.
  cpSync(published, source, { recursive: true });
  await run('chmod', ['-R', 'u+w', source]);
  const packages = ['./cmd/spire-server', './cmd/spire-agent'];
  await run(go, ['build', '-o', `${folder}/`, ...packages], { cwd: source, maxBuffer: 64 * 1024 * 1024 });
  return programs;
}
