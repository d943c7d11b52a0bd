// What the admin listener can be told.

import type { SocketAddress } from '../lib/socket-address.ts';

export interface AdminOptions {
  /** Loopback or a unix socket; port 0 takes a free one. */
  readonly listen: SocketAddress;
  /**
   * `full` is the whole API, for programs of this host. `probes` has only the health endpoints, without details and
   * for any Host: a kubelet asks from outside the pod.
   */
  readonly surface: 'full' | 'probes';
  /** Bytes of a request body. Default 64 KiB. */
  readonly bodyBytes: number;
  /** Bytes of a request head. Default 16 KiB. */
  readonly headerBytes: number;
  /** Open connections; above it new ones are closed. Default 64. */
  readonly connections: number;
  /** Time for a request to arrive. Default 10 s. */
  readonly requestMs: number;
  /** Time without a byte on a connection, in either direction. Default 30 s. */
  readonly idleMs: number;
}

/** All but the address. */
export const adminDefaults: Omit<AdminOptions, 'listen'> = Object.freeze({
  surface: 'full',
  bodyBytes: 64 * 1024,
  headerBytes: 16 * 1024,
  connections: 64,
  requestMs: 10_000,
  idleMs: 30_000,
});
