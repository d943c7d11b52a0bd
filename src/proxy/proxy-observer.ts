// What the data path counts. Methods of one object per listener, so that a request never calls a metrics library.

import type { ReasonCode } from '../authz/model.ts';

/** Why a connection was closed before its handshake. */
export type RefusedConnection = 'connection_limit' | 'descriptor_limit';

/**
 * How a handshake ended: `refused` is the peer for what it showed, `aborted` left by itself, `dropped` had to make room.
 * Each with a reason of a closed list (`none` for accepted).
 */
export type HandshakeResult = 'accepted' | 'refused' | 'aborted' | 'timeout' | 'dropped';

/** Limits that were met. */
export type LimitName =
  | 'connections'
  | 'descriptors'
  | 'handshakes'
  | 'handshake'
  | 'header'
  | 'idle'
  | 'request'
  | 'body_bytes'
  | 'min_body_rate'
  | 'slow_reader'
  | 'connection_age'
  | 'websocket_idle'
  | 'upstream_connect'
  | 'upstream_response'
  | 'peer_connections'
  | 'pending'
  | 'requests';

/** Receives every countable event of one listener. */
export interface ProxyObserver {
  connectionOpened(): void;
  connectionClosed(): void;
  connectionRefused(reason: RefusedConnection): void;
  /** TLS is done; who the peer is has still to be judged. */
  handshakeDone(ms: number): void;
  handshakeEnded(result: HandshakeResult, reason: string): void;
  /** Somebody without TLS was let in. */
  plaintextOpened(): void;
  requestBegun(): void;
  /** Once for each request, when all is over. */
  requestEnded(
    status: number,
    durationMs: number,
    bytes: { readonly request: number; readonly response: number },
  ): void;
  decided(effect: 'allow' | 'deny', reason: ReasonCode, evalMs: number): void;
  boundaryCrossed(effect: 'deny' | 'alarm'): void;
  credentialLifetimeAlarm(): void;
  shadowWouldChange(): void;
  ownAnswer(kind: string, status: number): void;
  wireError(code: string): void;
  limitMet(limit: LimitName): void;
  retried(): void;
  /** The token of a request: `accepted`, or a cause of the closed list. */
  tokenJudged(result: string): void;
  tunnelOpened(): void;
  tunnelClosed(result: string): void;
  /** `in`: from the peer to the workload. */
  tunnelBytes(direction: TunnelDirection, bytes: number): void;
  /** A TCP connection that was let in has one to the workload. */
  relayOpened(): void;
  /** `wasOpen` false: no connection to the workload came about. */
  relayEnded(result: string, wasOpen: boolean): void;
  /** `in`: from the peer to the workload. */
  relayBytes(direction: TunnelDirection, bytes: number): void;
  /** The workload's answer began. */
  upstreamAnswered(ms: number): void;
}

/** How the bytes of a tunnel went. */
export type TunnelDirection = 'in' | 'out';

/**
 * Why a connection to the workload, or to a peer that it calls, did not come about: nobody listens, too slow, a name that
 * does not resolve, no TLS, somebody else answers, or anything else.
 */
export type UpstreamConnectFault = 'refused' | 'timeout' | 'dns' | 'handshake' | 'identity' | 'other';

/** What the pool of a listener counts; read at scrape. */
export interface UpstreamCounters {
  upstreamConnects: number;
  readonly upstreamConnectFailures: { add(reason: UpstreamConnectFault): void };
  upstreamReused: number;
}
