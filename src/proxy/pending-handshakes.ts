// Connections that have not finished their handshake. Whoever is behind them is a stranger, so they are kept cheap (no TLS
// state before the first bytes came), few (above the limit the one that has kept us waiting longest goes, so that a
// flood of silent peers locks nobody out), and patient: one hello is answered a turn of the event loop, so that requests of
// peers who are in already are served between any two.

import type net from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { type TimerWheel, WheelEntry } from '../lib/timer-wheel.ts';
import { beginsWithTls, HeaderTaker, type SocketEnds } from './first-octets.ts';
import { plainIp } from './peer-admission.ts';
import type { PeerSocket } from './peer-connection.ts';
import type { PeerChain } from './peer-right.ts';
import {
  beginHandshake,
  type ClientCertificate,
  type HandshakeFailure,
  type OfferedProtocols,
  peerLeft,
} from './tls-handshake.ts';
import { onUnreadOctets } from './unread-octets.ts';

export interface PendingHandshakesOptions {
  readonly wheel: TimerWheel;
  readonly context: () => SecureContext;
  readonly clientCertificate: () => ClientCertificate;
  /** True where somebody without TLS may come in. */
  readonly plaintext: () => boolean;
  /** True for an address from which connections begin with a PROXY header. */
  readonly isBalancer: (ip: string) => boolean;
  readonly alpn: () => OfferedProtocols;
  readonly onDone: (arrival: Arrival) => void;
  /** Called before the socket is destroyed. */
  readonly onFailed: (failure: HandshakeFailure, stranger: Stranger) => void;
}

/** Somebody at the door. */
export interface Stranger {
  /** As a load balancer says, else those of the socket. */
  readonly ends: SocketEnds;
  /** The name that TLS asked for. */
  readonly sni: string | false | null | undefined;
}

/** Somebody whose handshake is done, or who came without one. */
export interface Arrival extends Stranger, PeerSocket {
  /** Null without TLS. */
  readonly tls: TLSSocket | null;
  /** Null: it showed no certificate, and was not made to. */
  readonly chain: PeerChain | null;
  /** Milliseconds since it was accepted. */
  readonly tookMs: number;
}

/**
 * `silent` until the first bytes come, `due` until it is their turn, then `shaking`, when the next step is the peer's;
 * `over` once it was told how it ended.
 */
type Phase = 'silent' | 'due' | 'shaking' | 'over';

/** Time for a peer to answer our hello before it counts as keeping us waiting; its answer may lie in the kernel, unread. */
const graceMs = 250;
/** Time for a hello to arrive once no more are accepted; nobody would miss who says nothing then. */
const silenceMs = 500;

interface Pending {
  readonly raw: net.Socket;
  readonly acceptedMs: number;
  readonly timer: WheelEntry;
  /** Set while a PROXY header is awaited. */
  header: HeaderTaker | null;
  ends: SocketEnds;
  phase: Phase;
  helloMs: number;
  /** Set while `shaking`. */
  cancel: (() => void) | null;
}

export class PendingHandshakes {
  readonly #options: PendingHandshakesOptions;
  /** Oldest first. */
  readonly #all = new Set<Pending>();
  readonly #due: Pending[] = [];
  readonly #silence = new WheelEntry(() => this.#endSilent());
  #turnAsked = false;

  constructor(options: PendingHandshakesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#all.size;
  }

  /** Takes an accepted socket; exactly one of the callbacks is called, once. */
  admit(raw: net.Socket, handshakeMs: number): void {
    const timer = new WheelEntry(() => this.#fail(pending, timedOut(handshakeMs)));
    const header = this.#options.isBalancer(plainIp(raw.remoteAddress) ?? '') ? new HeaderTaker(raw) : null;
    const begun = { raw, acceptedMs: performance.now(), timer, header, ends: raw };
    const pending: Pending = { ...begun, phase: 'silent', helloMs: 0, cancel: null };
    this.#all.add(pending);
    const left = (): void => this.#fail(pending, peerLeft);
    raw.on('error', left);
    raw.on('end', left);
    raw.on('close', left);
    this.#awaitOctets(pending);
    this.#options.wheel.schedule(timer, handshakeMs);
  }

  /** Ends the one that has kept us waiting longest; false where none does. */
  dropOldest(): boolean {
    const latestMs = performance.now() - graceMs;
    for (const pending of this.#all) {
      if (pending.phase === 'due' || pending.helloMs > latestMs) continue;
      this.#fail(pending, dropped);
      return true;
    }
    return false;
  }

  /** Ends those that say nothing, after a while: one that was just accepted may have its hello under way. */
  dropSilent(): void {
    this.#options.wheel.schedule(this.#silence, silenceMs);
  }

  /** Ends all. */
  close(): void {
    this.#options.wheel.cancel(this.#silence);
    for (const pending of this.#all) this.#fail(pending, peerLeft);
  }

  #endSilent(): void {
    for (const pending of this.#all) if (pending.phase === 'silent') this.#fail(pending, peerLeft);
  }

  #awaitOctets(pending: Pending): void {
    const isForTls = pending.header === null && !this.#options.plaintext();
    if (isForTls && onUnreadOctets(pending.raw, () => this.#becomeDue(pending))) return;
    pending.raw.on('readable', () => this.#onReadable(pending));
  }

  #onReadable(pending: Pending): void {
    if (pending.phase !== 'silent') return;
    // Readable without bytes is the end, which comes as an event once it is read.
    if (pending.raw.readableLength === 0) return void pending.raw.read();
    if (pending.header !== null && !this.#takeHeader(pending, pending.header)) return;
    this.#becomeDue(pending);
  }

  #becomeDue(pending: Pending): void {
    if (pending.phase !== 'silent') return;
    pending.phase = 'due';
    this.#due.push(pending);
    this.#askTurn();
  }

  /** True when the header is over and something follows it. */
  #takeHeader(pending: Pending, header: HeaderTaker): boolean {
    const outcome = header.take();
    if (outcome === null) return false;
    if (outcome.kind === 'invalid') {
      this.#fail(pending, badHeader(outcome.detail));
      return false;
    }
    pending.header = null;
    pending.ends = outcome.ends;
    return pending.raw.readableLength > 0;
  }

  #askTurn(): void {
    if (this.#turnAsked) return;
    this.#turnAsked = true;
    setImmediate(() => this.#takeTurn());
  }

  #takeTurn(): void {
    this.#turnAsked = false;
    let next = this.#due.shift();
    while (next !== undefined && next.phase !== 'due') next = this.#due.shift();
    if (next !== undefined) this.#begin(next);
    if (this.#due.length > 0) this.#askTurn();
  }

  #begin(pending: Pending): void {
    const { raw } = pending;
    raw.removeAllListeners('readable');
    if (this.#options.plaintext() && !beginsWithTls(raw)) return this.#arrive(pending, { socket: raw, tls: null });
    pending.phase = 'shaking';
    pending.helloMs = performance.now();
    pending.cancel = beginHandshake(raw, {
      context: this.#options.context(),
      clientCertificate: this.#options.clientCertificate(),
      alpn: this.#options.alpn(),
      onDone: (socket, chain) => {
        this.#arrive(pending, { socket, tls: socket, chain });
      },
      onFailed: (failure, socket) => this.#fail(pending, failure, socket.servername),
    });
  }

  #arrive(pending: Pending, come: Pick<Arrival, 'socket' | 'tls'> & { readonly chain?: PeerChain | null }): void {
    this.#settle(pending);
    const { raw, ends, acceptedMs } = pending;
    const { chain = null, tls, socket } = come;
    const tookMs = performance.now() - acceptedMs;
    this.#options.onDone({ socket, raw, tls, chain, ends, sni: tls?.servername, tookMs });
  }

  #fail(pending: Pending, failure: HandshakeFailure, sni: Stranger['sni'] = null): void {
    if (pending.phase === 'over') return;
    this.#settle(pending);
    this.#options.onFailed(failure, { ends: pending.ends, sni });
    pending.cancel?.();
    pending.raw.destroy();
  }

  #settle(pending: Pending): void {
    pending.phase = 'over';
    this.#all.delete(pending);
    this.#options.wheel.cancel(pending.timer);
  }
}

const dropped: HandshakeFailure = Object.freeze({
  kind: 'dropped',
  cause: 'too_many_handshakes',
  detail: 'too many handshakes are unfinished, and this one waited longest',
  chain: null,
});

function badHeader(detail: string): HandshakeFailure {
  return { kind: 'refused', cause: 'proxy_header_invalid', detail, chain: null };
}

function timedOut(handshakeMs: number): HandshakeFailure {
  const detail = `no handshake within ${handshakeMs} ms`;
  return { kind: 'timeout', cause: 'handshake_timeout', detail, chain: null };
}
