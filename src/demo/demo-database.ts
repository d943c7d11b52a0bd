// The PostgreSQL of `postern demo --tcp`: a new cluster in a folder of its own, without passwords, on loopback. PostgreSQL
// refuses to run as root, so there it runs as the user of its package.

import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { PosternError } from '../errors.ts';
import { freePort } from './free-port.ts';
import { type LegacyServer, runProgram, startServer } from './legacy-programs.ts';

export interface DemoDatabase extends LegacyServer {
  readonly port: number;
}

/** Starts the server whose program is at `postgres`; `psql` finds out when it serves. @throws PosternError */
export async function startDatabase(postgres: string, psql: string): Promise<DemoDatabase> {
  const who: RunAs = process.getuid?.() === 0 ? asPostgres() : {};
  // Not below the folder of the demo: the user `postgres` may have no way there.
  const dir = mkdtempSync(path.join(tmpdir(), 'postern-demo-pg-'));
  if (who.uid !== undefined && who.gid !== undefined) chownSync(dir, who.uid, who.gid);
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
  try {
    execFileSync(path.join(path.dirname(program), 'initdb'), options, { ...who, cwd: dir, stdio: 'ignore' });
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw unfit('initdb fails', error);
  }
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

/** Nothing: as the own user. */
interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
}

function asPostgres(): Required<RunAs> {
  try {
    return { uid: idOf('-u'), gid: idOf('-g') };
  } catch (error) {
    throw unfit('it does not run as root, and there is no user `postgres`', error);
  }
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }));
}

function unfit(what: string, cause: unknown): PosternError {
  const mend = "mend it, install PostgreSQL from the system's packages, or run `postern demo`";
  return new PosternError('ERR_USAGE', `PostgreSQL cannot be started: ${what}: ${(cause as Error).message}`, {
    mend,
    cause,
  });
}
