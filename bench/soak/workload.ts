// The workload of the soak: answers small and large, takes uploads, opens tunnels, and can be restarted on its port.

import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { websocketAccept } from '../../test/harness/websocket-world.ts';

const large = Buffer.alloc(256 * 1024, 0x61);

export class SoakWorkload {
  #server = makeServer();
  #port = 0;

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Ends at once, with all its connections. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await ended;
    this.#server = makeServer();
  }
}

function makeServer(): http.Server {
  const server = http.createServer((request, response) => {
    request.on('error', () => {});
    request.resume();
    request.on('end', () => response.end(request.url === '/large' ? large : 'ok'));
  });
  const tunnels = new Set<Socket>();
  server.on('upgrade', (_request, stream) => {
    const socket = stream as Socket;
    tunnels.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => tunnels.delete(socket));
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${websocketAccept}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  // `closeAllConnections` leaves those alone that were upgraded.
  server.on('close', () => {
    for (const socket of tunnels) socket.destroy();
  });
  server.keepAliveTimeout = 120_000;
  return server;
}
