// A PostgreSQL of the test's own: a new cluster in a folder, a server that ends with the test. PostgreSQL refuses to run as
// root, so there it runs as the user of the Debian package.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { waitFor } from './wait-for.ts';

type Scope = { after(fn: () => Promise<void> | void): void };

export interface Postgres {
  readonly port: number;
  /** Path of its unix socket. */
  readonly socket: string;
}

/** Starts a server without passwords, of the program at `postgres`; the user `tester` may do everything. */
export async function startPostgres(t: Scope, postgres: string): Promise<Postgres> {
  const who = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  const dir = mkdtempSync(path.join(tmpdir(), 'postern-pg-'));
  if (who.uid !== undefined) chownSync(dir, who.uid, who.gid);
  const bin = path.dirname(realpathSync(postgres));
  const data = path.join(dir, 'data');
  const options = ['-D', data, '-A', 'trust', '-U', 'tester', '--no-sync', '--no-instructions', '-E', 'UTF8'];
  await promisify(execFile)(path.join(bin, 'initdb'), [...options, '--locale=C'], { ...who, cwd: dir });
  const port = await freePort();
  const settings = ['-F', '-h', '127.0.0.1', '-p', String(port), '-k', dir, '-c', 'shared_buffers=16MB'];
  const server = spawn(postgres, ['-D', data, ...settings], { ...who, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  server.stderr.on('data', (bytes: Buffer) => {
    log += String(bytes);
  });
  t.after(async () => {
    server.kill('SIGINT');
    await waitFor('PostgreSQL to end', () => server.exitCode !== null || server.signalCode !== null);
    rmSync(dir, { recursive: true, force: true, maxRetries: 20 });
  });
  await waitFor('PostgreSQL to be ready', () => log.includes('ready to accept connections'));
  return { port, socket: path.join(dir, `.s.PGSQL.${port}`) };
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}
