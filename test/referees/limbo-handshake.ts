// Shows a chain to a port that shakes hands as an inbound listener does, and tells what OpenSSL made of it.

import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { BundleSet } from '../../src/identity/bundle-set.ts';
import { parseX509Svid } from '../../src/identity/x509-svid.ts';
import type { PeerChain } from '../../src/proxy/peer-right.ts';
import { createServerContext } from '../../src/proxy/tls-context.ts';
import { beginHandshake } from '../../src/proxy/tls-handshake.ts';
import type { Made } from '../identity/workshop.ts';
import { bundleOf } from '../identity/worlds.ts';
import type { LimboChain } from './limbo-chain.ts';

/** OpenSSL's code or `accepted`, and the chain as Postern goes on to judge it. */
export interface Handshake {
  readonly verdict: string;
  readonly chain: PeerChain | null;
}

/** One handshake over a real socket; `own` is what the server shows. */
export async function shakeHands({ trusted, via, leaf }: LimboChain, own: Made): Promise<Handshake> {
  const files = { certFile: 'tls.crt', keyFile: 'tls.key', nowMs: Date.now() };
  const svid = parseX509Svid({ certPem: own.pem, keyPem: own.keyPem, ...files });
  const bundles = new BundleSet([bundleOf('a.example', ...trusted)]);
  const { promise, resolve } = Promise.withResolvers<Handshake>();
  const server = net.createServer((raw) => {
    beginHandshake(raw, {
      context: createServerContext({ revision: 1, svid, bundles }),
      clientCertificate: 'required',
      alpn: 'http/1.1',
      onDone: (socket, chain) => {
        socket.destroy();
        resolve({ verdict: 'accepted', chain });
      },
      onFailed: ({ detail, chain }) => resolve({ verdict: /`(.*)`/.exec(detail)?.[1] ?? detail, chain }),
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as net.AddressInfo;
  const client = tls.connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    cert: [leaf, ...via].map((one) => one.pem).join(''),
    key: leaf.keyPem,
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  client.on('error', () => {});
  try {
    return await promise;
  } finally {
    client.destroy();
    server.close();
  }
}
