// Binds the admin API to the running sidecar: what each endpoint shows and does.

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PosternConfig } from '../config/postern-config.ts';
import type { Sidecar } from './sidecar.ts';

export interface AdminHandle {
  readonly address: string;
  close(): Promise<void>;
}

export async function openAdmin(config: PosternConfig, sidecar: Sidecar): Promise<AdminHandle> {
  const server = http.createServer((_request, response) => {
    response.statusCode = sidecar.phase === 'running' ? 200 : 503;
    response.end('{}');
  });
  const { listen } = config.admin;
  await new Promise<void>((resolve) => server.listen(listen.kind === 'tcp' ? listen.port : 0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
