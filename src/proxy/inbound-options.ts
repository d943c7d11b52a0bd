// What an inbound listener can be told. Durations in milliseconds, sizes in bytes, `Infinity` for unlimited.

import type { SocketAddress } from '../lib/socket-address.ts';
import { type HeadLimits, headLimitsDefaults } from '../wire/head-limits.ts';
import type { DenyForm } from './own-answer.ts';

/** Limits of one listener; each has its own counter and its own clear answer when it is met. */
export interface InboundLimits {
  /** Open connections, handshakes included; above it an old handshake or the new connection is closed. Default 10,000. */
  readonly connections: number;
  /** Bytes of a request head. Above: 431. Default 64 KiB. */
  readonly headerBytes: number;
  /** Field lines of a head. Above: 431. Default 100. */
  readonly headers: number;
  /** Bytes of a request body. Above: 413. Default unlimited. */
  readonly bodyBytes: number;
  /** Time for the TLS handshake. Default 10 s. */
  readonly handshakeMs: number;
  /** Unfinished handshakes; above it the one that has kept the listener waiting longest is closed. Default 1,000. */
  readonly handshakes: number;
  /** Time from the first byte of a head to its end. Above: 408. Default 10 s. */
  readonly headerMs: number;
  /** Time without a request on a kept connection, default 60 s; of TCP without a byte either way, default 1 h. */
  readonly idleMs: number;
  /** Time for a whole request and its answer. Default unlimited. */
  readonly requestMs: number;
  /** Time without a byte either way on an open WebSocket. Default 1 h. */
  readonly websocketIdleMs: number;
  /** Time to connect to the workload. Above: 503. Default 1 s. */
  readonly upstreamConnectMs: number;
  /** Time without a byte from the workload while it owes one. Above: 504. Default 60 s. */
  readonly upstreamResponseMs: number;
  /** Least rate of a body that is being sent or read, bytes a second, over 10 s. Default 100. */
  readonly minBodyRateBytesPerS: number;
  /** Age at which a connection is ended after its current request, default 1 h; a TCP one at once, default unlimited. */
  readonly connectionAgeMs: number;
  /** Concurrent streams of one HTTP/2 connection. Default 100. */
  readonly streams: number;
}

export const inboundLimitsDefaults: InboundLimits = Object.freeze({
  connections: 10_000,
  headerBytes: 64 * 1024,
  headers: 100,
  bodyBytes: Number.POSITIVE_INFINITY,
  handshakeMs: 10_000,
  handshakes: 1_000,
  headerMs: 10_000,
  idleMs: 60_000,
  requestMs: Number.POSITIVE_INFINITY,
  websocketIdleMs: 3_600_000,
  upstreamConnectMs: 1_000,
  upstreamResponseMs: 60_000,
  minBodyRateBytesPerS: 100,
  connectionAgeMs: 3_600_000,
  streams: 100,
});

/** What other defaults hold where a connection has no requests: pools of database connections are idle for long. */
export const tcpLimitsDefaults = Object.freeze({ idleMs: 3_600_000, connectionAgeMs: Number.POSITIVE_INFINITY });

/** The limits of a request head, as the codec takes them. */
export function headLimitsOf({ headerBytes, headers }: InboundLimits): HeadLimits {
  return Object.freeze({ ...headLimitsDefaults, headBytes: headerBytes, fieldCount: headers });
}

/** A resource as configured; a missing namespace or environment is the sidecar's own. Values may hold `{capture}`. */
export interface ResourceTemplate {
  readonly type: string;
  readonly name?: string;
  readonly id?: string;
  readonly namespace?: string;
  readonly environment?: string;
  readonly service?: string;
  readonly topic?: string;
  readonly owner?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** `auto`, or the words that must all be allowed; a word may hold `{capture}`. */
export type ActionTemplate = 'auto' | readonly string[];

/** One row of the route table; first match wins. */
export interface RouteOptions {
  readonly match: {
    readonly method?: readonly string[];
    /** Template: `{name}` is one path segment, `{name...}` the rest. */
    readonly path?: string;
    readonly host?: string;
    readonly header?: Readonly<Record<string, string>>;
  };
  readonly resource?: ResourceTemplate;
  readonly action?: ActionTemplate;
}

/** Fields set towards the workload after everything of that name was stripped. */
export type WorkloadHeader = 'x-forwarded-client-cert' | 'x-postern-peer' | 'x-postern-decision-id';

/** What a listener is told whichever way its requests go. */
export interface ListenerOptions {
  readonly name: string;
  /** `tcp`: octets as they come; a connection is judged once, as a whole. What follows about requests means nothing then. */
  readonly protocol: 'http' | 'tcp';
  readonly listen: SocketAddress;
  /** Other processes of the same user may listen on the same address; the kernel spreads connections over them. */
  readonly reusePort: boolean;
  /** Who may connect to a unix socket to listen on. Default 0600: the user that Postern runs as. */
  readonly socketMode: number;
  /** Undefined: `{type: http_endpoint, name: own service}`, or `tcp_endpoint` (policy.md 1.9). */
  readonly resource: ResourceTemplate | undefined;
  readonly action: ActionTemplate;
  readonly routes: readonly RouteOptions[];
  /** What a caller must show: a certificate, a token with each request, or either; where both come, both must hold. */
  readonly identityRequired: 'x509' | 'token' | 'x509_or_token';
  /** The workload gets the token too. */
  readonly forwardToken: boolean;
  readonly mode: 'enforce' | 'shadow';
  readonly pathNormalization: 'reject' | 'canonicalize';
  /** What becomes of a path with `;` in a segment, which one workload takes as it is and another cuts off. */
  readonly pathParameters: 'reject' | 'pass';
  readonly deny: DenyForm;
  readonly limits: InboundLimits;
  readonly workloadHeaders: readonly WorkloadHeader[];
}

/** The PROXY protocol (version 2): who comes from where, said before the first octet of a connection. */
export interface ProxyProtocolOptions {
  /** The workload is told, with the SPIFFE ID of the peer. */
  readonly send: boolean;
  /** Networks of load balancers: whoever connects from there begins with a header, and nobody else may. */
  readonly acceptFrom: readonly string[];
}

export interface InboundOptions extends ListenerOptions {
  /** Over HTTP/2 with prior knowledge; `either`: found out, HTTP/2 first. */
  readonly workloadSpeaks: 'http1' | 'http2' | 'either';
  /** Peers may choose HTTP/2 by ALPN. */
  readonly http2: boolean;
  readonly forward: SocketAddress;
  /** Connections without TLS: handshake failures, or principals of type `anonymous`. */
  readonly plaintext: 'refuse' | 'permit';
  readonly proxyProtocol: ProxyProtocolOptions;
  /** Paths of the workload that the admin listener passes on without identity; here they are judged like any other. */
  readonly healthPassthrough: readonly string[];
}
