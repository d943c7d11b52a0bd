// The PostgreSQL of `postern demo --tcp`: a new cluster in a folder of its own, without passwords, on loopback. PostgreSQL
// refuses to run as root, so there it runs as the user of its package.

import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { freePort } from './free-port.ts';
import { type LegacyServer, runProgram, startServer } from './legacy-programs.ts';

export interface DemoDatabase extends LegacyServer {
  readonly port: number;
}

/** Starts the server whose program is at `postgres`; `psql` finds out when it serves. @throws PosternError */
export async function startDatabase(postgres: string, psql: string): Promise<DemoDatabase> {
  const who = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  // Not below the folder of the demo: the user `postgres` may have no way there.
  const dir = mkdtempSync(path.join(tmpdir(), 'postern-demo-pg-'));
  if (who.uid !== undefined) chownSync(dir, who.uid, who.gid);
  const program = realpathSync(postgres);
  const data = path.join(dir, 'data');
  const options = [
    '-D',
    data,
    '-A',
    'trust',
    '-U',
    'demo',
    '--no-sync',
    '--no-instructions',
    '--locale=C',
    '-E',
    'UTF8',
  ];
  execFileSync(path.join(path.dirname(program), 'initdb'), options, { ...who, cwd: dir, stdio: 'ignore' });
  const port = await freePort();
  const args = ['-D', data, '-F', '-h', '127.0.0.1', '-p', String(port), '-k', dir];
  const asked = ['-h', '127.0.0.1', '-p', String(port), '-U', 'demo', '-d', 'postgres', '-c', 'select 1'];
  const isReady = async (): Promise<boolean> => (await runProgram(psql, asked, {})).ok;
  const server = await startServer(program, args, { port, spawn: { ...who, cwd: dir }, isReady });
  const close = async (): Promise<void> => {
    await server.close();
    rmSync(dir, { recursive: true, force: true });
  };
  return { port, close };
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}
