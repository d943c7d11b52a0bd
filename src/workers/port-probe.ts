// Workers share their ports, so the kernel would let a second Postern of the same user in without a word. Where nobody
// asked for that (`reuse_port`), the supervisor first takes the port for itself alone, and gives it up again.

import { createServer } from 'node:net';
import { bindServer } from '../lib/bind-server.ts';
import type { ListenerOptions } from '../proxy/inbound-options.ts';

/** @throws PosternError ERR_LISTEN where somebody else listens */
export async function probePorts(listeners: readonly ListenerOptions[]): Promise<void> {
  for (const { name, listen, reusePort } of listeners) {
    const server = createServer((socket) => socket.destroy());
    const who = `listener \`${name}\``;
    await bindServer(server, { address: listen, who, key: 'listen', reusePort, socketMode: 0o600 });
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
