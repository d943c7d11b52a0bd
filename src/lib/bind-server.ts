// Binds a server to its address; what stands against it is told with its mend. A unix socket takes the place of a socket
// file that a killed process left, never of one that somebody answers on.

import { lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { PosternError } from '../errors.ts';
import { formatAddress, type SocketAddress } from './socket-address.ts';

export interface BindOptions {
  readonly address: SocketAddress;
  /** Whose address it is, as the begin of a sentence, such as `the admin API`. */
  readonly who: string;
  /** The key of the configuration that says the address. */
  readonly key: string;
  /** Shares a TCP port with other processes of the same user that do so too (SO_REUSEPORT). */
  readonly reusePort: boolean;
  /** Mode of a unix socket, from the first moment on. */
  readonly socketMode: number;
}

const backlog = 1024;

const mends: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'another process listens there: stop it, or change'],
  ['EACCES', 'ports below 1024 need the capability CAP_NET_BIND_SERVICE, and folders the right to write; or change'],
  ['ENOTSUP', 'this system cannot share a port between processes; set `workers: 1` and `reuse_port: false`, or change'],
  ['EADDRNOTAVAIL', 'this machine has no such address; change'],
]);

/** Starts to listen; resolves with the address in use. @throws PosternError ERR_LISTEN */
export async function bindServer(server: Server, options: BindOptions): Promise<SocketAddress> {
  const { address } = options;
  if (address.kind === 'unix') {
    await clearStaleSocket(address.path, options);
    const listen = (): void => void server.listen({ path: address.path, backlog });
    await listening(server, options, () => withMode(options.socketMode, listen));
    return address;
  }
  const { host, port } = address;
  await listening(server, options, () => server.listen({ host, port, backlog, reusePort: options.reusePort }));
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? { ...address, port: bound.port } : address;
}

async function listening(server: Server, options: BindOptions, start: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('listening', resolve);
  server.once('error', reject);
  try {
    start();
    await promise;
  } catch (cause) {
    throw cannotListen(options, cause);
  } finally {
    server.off('listening', resolve);
    server.off('error', reject);
  }
}

/** The socket file is made within `listen`, synchronously: no other file of the process can get this mask. */
function withMode(mode: number, make: () => void): void {
  const before = process.umask(0o777 & ~mode);
  try {
    make();
  } finally {
    process.umask(before);
  }
}

async function clearStaleSocket(path: string, options: BindOptions): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw inTheWay(path, options, 'is there and is not a socket');
  if (await isAnswered(path)) throw inTheWay(path, options, 'is in use by another process');
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

function inTheWay(path: string, options: BindOptions, what: string): PosternError {
  return new PosternError('ERR_LISTEN', `${options.who} cannot listen on \`${path}\`: it ${what}`, {
    mend: `choose another path for \`${options.key}\`, or remove what is there`,
  });
}

function cannotListen(options: BindOptions, cause: unknown): PosternError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown fault';
  const what = `${options.who} cannot listen on \`${formatAddress(options.address)}\`: ${code}`;
  const mend = mends.get(code) ?? 'free the address or change';
  return new PosternError('ERR_LISTEN', what, { cause, mend: `${mend} \`${options.key}\`` });
}
