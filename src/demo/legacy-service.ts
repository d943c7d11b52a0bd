// The workload of the demo: a payments service as somebody wrote it years ago. It speaks plain HTTP on loopback, knows
// nothing of TLS, and believes whatever reaches it. It says who called only because Postern tells it.

import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LegacyService {
  readonly port: number;
  /** Requests that reached it. */
  readonly served: number;
  close(): Promise<void>;
}

/** Starts it on a free port of loopback. */
export async function startLegacyService(): Promise<LegacyService> {
  let served = 0;
  const server = http.createServer((request, response) => {
    served++;
    request.resume();
    response.setHeader('content-type', 'application/json');
    response.end(
      `${JSON.stringify({
        service: 'payments (plain HTTP, unchanged)',
        method: request.method,
        path: request.url,
        caller: request.headers['x-postern-peer'] ?? null,
      })}\n`,
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    get served() {
      return served;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
