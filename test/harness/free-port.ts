// A port for a program that a test starts, perhaps several times. While it is down its port is free, and another test that runs
// beside this one must not draw it: so a port is reserved for the process that drew it, by a file of its number.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { freePort as drawPort } from '../../src/demo/free-port.ts';

const folder = path.join(tmpdir(), 'postern-test-ports');
const reserved: string[] = [];

/** A TCP port of 127.0.0.1 that nobody listens on just now, and that no other test process gets while this one lives. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await drawPort();
    if (reserve(path.join(folder, String(port)))) return port;
  }
}

function reserve(file: string): boolean {
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch {
    if (isHeld(file)) return false;
    // Left behind by one that was killed.
    writeFileSync(file, String(process.pid));
  }
  if (reserved.length === 0) process.on('exit', () => reserved.map((one) => rmSync(one, { force: true })));
  reserved.push(file);
  return true;
}

/** True while the process that reserved it lives. */
function isHeld(file: string): boolean {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    // Made just now, and not written yet.
    if (!(pid > 0)) return true;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
