// A port for a program that must be told its own. One that the kernel gives away by itself may be gone a moment later,
// as the near end of anybody's outgoing connection; those are drawn from 32768 on (ip_local_port_range of Linux), so
// this one is drawn below.

import { randomInt } from 'node:crypto';
import net from 'node:net';

const firstPort = 15_000;
const pastPort = 32_768;
const attempts = 50;

/** A TCP port of 127.0.0.1 that nobody listens on just now. Throws after 50 that were all taken. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = randomInt(firstPort, pastPort);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port of 127.0.0.1 in ${attempts} draws from ${firstPort}-${pastPort - 1}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
