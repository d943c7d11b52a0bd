// Where a pool's connections lead, and what is asked of a new one before it carries a request.

import net from 'node:net';
import { PosternError } from '../errors.ts';
import { formatAddress, type SocketAddress } from '../lib/socket-address.ts';

/** Whether a connection that is open may carry on. */
export interface UpstreamRight {
  /** True where no further request may use it. */
  isOver(): boolean;
}

/** How a connection fails: none came about, it broke off, it was silent, or what came is no HTTP. */
export type UpstreamFailure = 'unreachable' | 'failed' | 'timeout' | 'invalid';

export interface UpstreamFailureFacts {
  readonly kind: UpstreamFailure;
  readonly what: string;
  readonly cause: Error | null;
  readonly socket: net.Socket;
}

/** Whoever answered is the right one, and speaks HTTP/1.1 where HTTP/2 was offered first. */
export class SpeaksHttp1 extends Error {}

export interface UpstreamTarget {
  /** As requests over HTTP/2 name it. */
  readonly scheme: 'http' | 'https';
  /** The event of a socket that may be admitted. */
  readonly readyEvent: 'connect' | 'secureConnect';
  /** Time from the connection to its readiness, milliseconds; null where it is ready at once. */
  readonly handshakeMs: number | null;
  open(onread: net.OnReadOpts): net.Socket;
  /** Whoever answers is who it should be; else the error that says why not. Nothing was sent yet. */
  admit(socket: net.Socket): UpstreamRight | PosternError;
  error(failure: UpstreamFailureFacts): PosternError;
}

const forever: UpstreamRight = Object.freeze({ isOver: () => false });

const codes = Object.freeze({
  unreachable: 'ERR_UPSTREAM_UNREACHABLE',
  failed: 'ERR_UPSTREAM_FAILED',
  timeout: 'ERR_UPSTREAM_TIMEOUT',
} as const);

/** The workload, in plain text on this machine. */
export class WorkloadTarget implements UpstreamTarget {
  readonly scheme = 'http';
  readonly readyEvent = 'connect';
  readonly handshakeMs = null;
  readonly #address: SocketAddress;

  constructor(address: SocketAddress) {
    this.#address = address;
  }

  open(onread: net.OnReadOpts): net.Socket {
    const address = this.#address;
    const target = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
    return net.connect({ ...target, noDelay: true, onread });
  }

  admit(): UpstreamRight {
    return forever;
  }

  error({ kind, what, cause }: UpstreamFailureFacts): PosternError {
    if (kind === 'invalid' && cause instanceof PosternError) return cause;
    const code = codes[kind === 'invalid' ? 'failed' : kind];
    const message = `workload \`${formatAddress(this.#address)}\`: ${what}`;
    return new PosternError(code, message, cause === null ? {} : { cause });
  }
}
