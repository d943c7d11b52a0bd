// Binds the socket of a listener; what stands against it is told with its mend.

import type net from 'node:net';
import { PosternError } from '../errors.ts';
import { formatAddress } from '../lib/socket-address.ts';
import type { InboundOptions } from './inbound-options.ts';

/**
 * Binds a server.
 * @throws PosternError ERR_LISTEN naming the address and the mend
 */
export function bindListener(server: net.Server, options: InboundOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(listenError(options, error));
    server.once('error', failed);
    const bound = (): void => {
      server.off('error', failed);
      resolve();
    };
    const { listen } = options;
    if (listen.kind === 'unix') server.listen({ path: listen.path }, bound);
    else server.listen({ host: listen.host, port: listen.port, backlog: 1024 }, bound);
  });
}

const listenMends: ReadonlyMap<string, string> = new Map([
  ['EADDRINUSE', 'another process listens there: stop it, or change `listen:`'],
  ['EACCES', 'ports below 1024 need the capability CAP_NET_BIND_SERVICE; or change `listen:`'],
  ['EADDRNOTAVAIL', 'this machine has no such address; change `listen:`'],
]);

function listenError(options: InboundOptions, cause: NodeJS.ErrnoException): PosternError {
  const mend = listenMends.get(cause.code ?? '');
  return new PosternError(
    'ERR_LISTEN',
    `listener \`${options.name}\` cannot bind \`${formatAddress(options.listen)}\`: ${cause.code ?? cause.message}`,
    mend === undefined ? { cause } : { cause, mend },
  );
}
