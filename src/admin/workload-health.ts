// Asks a workload for its health, for paths that `health_passthrough` names. The workload listens on loopback, where a
// kubelet cannot reach it.

import type { IncomingMessage } from 'node:http';
import type { SocketAddress } from '../lib/socket-address.ts';
import type { WorkloadHealth } from './views.ts';

/** Time for the whole answer, milliseconds; a kubelet waits one second unless told otherwise. */
const patienceMs = 900;
const mostBodyBytes = 64 * 1024;

/** GET `path` of the workload. Rejects when it cannot be asked in time, or says too much. */
export async function askWorkloadHealth(address: SocketAddress, path: string): Promise<WorkloadHealth> {
  // See admin-server.ts for why this is not an import.
  const http = process.getBuiltinModule('node:http');
  const where = address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const signal = AbortSignal.timeout(patienceMs);
  const request = http.request(
    { ...where, method: 'GET', path, agent: false, signal, headers: { host: 'localhost', connection: 'close' } },
    resolve,
  );
  request.once('error', reject);
  request.end();
  const response = await promise;
  return {
    status: response.statusCode ?? 502,
    contentType: response.headers['content-type'] ?? 'application/octet-stream',
    body: await readAll(response),
  };
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBodyBytes) throw new RangeError('the answer is too large for a health answer');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
