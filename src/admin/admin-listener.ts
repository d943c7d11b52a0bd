// Binds the admin listener. A unix socket is made with mode 0600 from the first moment, and takes the place of a socket
// file that a killed process left, never of one that somebody answers on.

import { lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { PosternError } from '../errors.ts';
import { formatAddress, type SocketAddress } from '../lib/socket-address.ts';

/** Starts to listen; resolves with the address in use. @throws PosternError ERR_LISTEN */
export async function bindAdmin(server: Server, listen: SocketAddress): Promise<SocketAddress> {
  if (listen.kind === 'unix') {
    await clearStaleSocket(listen.path);
    await listening(server, listen, () => privately(() => server.listen({ path: listen.path })));
    return listen;
  }
  await listening(server, listen, () => server.listen({ host: listen.host, port: listen.port, exclusive: true }));
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? { ...listen, port: bound.port } : listen;
}

async function listening(server: Server, address: SocketAddress, start: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('listening', resolve);
  server.once('error', reject);
  try {
    start();
    await promise;
  } catch (cause) {
    throw cannotListen(address, cause);
  } finally {
    server.off('listening', resolve);
    server.off('error', reject);
  }
}

/** The socket file is made within `listen`, synchronously: no other file of the process can get this mask. */
function privately(make: () => void): void {
  const before = process.umask(0o177);
  try {
    make();
  } finally {
    process.umask(before);
  }
}

async function clearStaleSocket(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw inTheWay(path, 'is there and is not a socket');
  if (await isAnswered(path)) throw inTheWay(path, 'is in use by another process');
  unlinkSync(path);
}

/** Only a refusal proves that nobody listens; any other fault leaves the file alone. */
async function isAnswered(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  socket.once('connect', () => resolve(true));
  socket.once('error', (error: NodeJS.ErrnoException) =>
    resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
  );
  const answered = await promise;
  socket.destroy();
  return answered;
}

function inTheWay(path: string, what: string): PosternError {
  return new PosternError('ERR_LISTEN', `the admin API cannot listen on \`${path}\`: it ${what}`, {
    mend: 'choose another path for admin.listen, or remove what is there',
  });
}

function cannotListen(address: SocketAddress, cause: unknown): PosternError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown fault';
  const what = `the admin API cannot listen on \`${formatAddress(address)}\`: ${code}`;
  return new PosternError('ERR_LISTEN', what, { cause, mend: 'free the address or change admin.listen' });
}
