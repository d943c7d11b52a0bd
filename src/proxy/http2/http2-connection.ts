// HOT PATH (npm run bench -- --only h2). One verified TLS connection of a peer that speaks HTTP/2: its socket, its time limits, and the
// streams on it, each of which is the host of an exchange.

import type { Socket } from 'node:net';
import type { ConnectionFacts, OutcomeResult } from '../../audit/decision-event.ts';
import { WheelEntry } from '../../lib/timer-wheel.ts';
import type { HeaderBlock } from '../../wire/http2/hpack-decoder.ts';
import type { Http2Fault } from '../../wire/http2/http2-fault.ts';
import { RequestHeads } from '../../wire/http2/http2-request-head.ts';
import { Http2Session, type SessionEvents } from '../../wire/http2/http2-session.ts';
import type { Http2Stream } from '../../wire/http2/http2-stream.ts';
import { ConnectionHolder } from '../connection-holder.ts';
import { lingerMs } from '../connection-phase.ts';
import type { ExchangeServices } from '../exchange-services.ts';
import type { ConnectionSide } from '../inbound-request.ts';
import type { HttpConnectionOptions, PeerConnection } from '../peer-connection.ts';
import type { ConnectionRight } from '../peer-right.ts';
import { type FrameScratch, FrameWriter } from './frame-writer.ts';
import { type StreamConnection, StreamHost } from './stream-host.ts';

export interface Http2ConnectionOptions extends HttpConnectionOptions {
  readonly scratch: FrameScratch;
}

/**
 * `opening` until the peer's SETTINGS came; `idle` without streams, `busy` with some; `announced`: it was asked to begin no more
 * streams; `finishing`: no more are taken; `lingering` after the last word, so that a peer who still sends gets to read it;
 * `closed`.
 */
type Phase = 'opening' | 'idle' | 'busy' | 'announced' | 'finishing' | 'lingering' | 'closed';

/** Octets that may be under way to us on one stream at first: what a stalled workload can make us hold for it. */
const streamWindowBytes = 65_535;
/** On all streams together. Given back as it comes, so that none starves another. */
const connectionWindowBytes = 1024 * 1024;
/** What streams that keep moving may have more, all together. */
const growthBytes = 1024 * 1024;
/** Answers to PING and the like that pile up, above which nothing is read. */
const unreadBytes = 256 * 1024;
/** Time for a peer to answer the PING behind a GOAWAY: after it, whatever it began before it knew has come. */
const announceMs = 1_000;

export class Http2Connection implements PeerConnection, StreamConnection, SessionEvents {
  readonly services: ExchangeServices;
  readonly sendsDecisionId: boolean;
  readonly peerIp: string | null;
  readonly holder: ConnectionHolder;
  readonly #socket: Socket;
  readonly #writer: FrameWriter;
  readonly #session: Http2Session;
  readonly #heads: RequestHeads;
  readonly #hosts = new Set<StreamHost>();
  readonly #onClosed: (connection: PeerConnection) => void;
  readonly #timer = new WheelEntry(() => this.#onTimeout());
  /** Runs while a head is unfinished. */
  readonly #headTimer = new WheelEntry(() => this.#onSlowHead());
  #phase: Phase = 'opening';

  constructor(options: Http2ConnectionOptions) {
    const { services, socket } = options;
    this.services = services;
    this.holder = new ConnectionHolder(services, options);
    this.sendsDecisionId = options.sendsDecisionId;
    this.peerIp = options.peerIp;
    this.#socket = socket;
    this.#onClosed = options.onClosed;
    this.#writer = new FrameWriter(socket, options.scratch);
    this.#heads = new RequestHeads(options.headLimits, () => websocketKey(services.ids.uuid()));
    const { headBytes, fieldCount } = options.headLimits;
    const bounds = { listBytes: headBytes, fieldCount: fieldCount + pseudoFields };
    const windows = { streamWindowBytes, connectionWindowBytes, growthBytes };
    const session = { isServer: true, maxStreams: this.#limits.streams, bounds, ...windows, nowMs: performance.now() };
    this.#session = new Http2Session(session, this, this.#writer);
    this.#listen();
    this.#enter('opening');
  }

  get right(): ConnectionRight {
    return this.holder.right;
  }

  get side(): ConnectionSide {
    return this.holder.own.side;
  }

  get facts(): ConnectionFacts {
    return this.holder.own.facts;
  }

  /** Of one stream whose token holds no more; only that stream ends. */
  get tokenEnded(): null {
    return null;
  }

  /** It was ended, and its socket has not told yet. */
  get isOver(): boolean {
    return this.#socket.destroyed;
  }

  get isPeerBusy(): boolean {
    return this.#writer.isBusy;
  }

  get pendingBytes(): number {
    return this.#writer.pendingBytes;
  }

  /** Asks policy again about every request under way, or else the last one; and ends what is too old, or drains, after them. */
  judgeOpenAgain(): void {
    this.holder.describeAgain();
    const wasIdle = this.#phase === 'idle';
    for (const host of [...this.#hosts]) {
      const ended = host.tokenEnded;
      if (ended !== null) host.endWithToken(ended);
      else host.judgeAgain();
    }
    // Where a request ended just now, its last word is on its way: the connection is looked at the next time.
    if (wasIdle && this.holder.hasLastEnded()) {
      return this.end('its last request would be denied now', 'revoked');
    }
    if (this.holder.isDue) this.closeWhenIdle();
  }

  /** Asks the peer to begin no more streams, and ends when those under way are over (RFC 9113 §6.8). */
  closeWhenIdle(): void {
    if (this.#phase !== 'opening' && this.#phase !== 'idle' && this.#phase !== 'busy') return;
    if (this.#phase === 'opening') return this.#linger();
    this.#session.announceEnd();
    this.#session.ping();
    this.#enter('announced');
  }

  end(detail: string, result: OutcomeResult = 'drained'): void {
    this.#session.stop();
    this.#abortAll(result, detail);
    this.#socket.destroy();
  }

  onRequest(stream: Http2Stream, block: HeaderBlock, endStream: boolean): void {
    const host = new StreamHost(this, stream);
    stream.user = host;
    this.#hosts.add(host);
    if (this.#phase === 'idle') this.#enter('busy');
    const head = this.#heads.read(block, endStream);
    if ('kind' in head) host.refuseHead(head);
    else host.begin(head);
  }

  onHostDone(host: StreamHost): void {
    if (!this.#hosts.delete(host) || this.#hosts.size > 0) return;
    if (this.#phase === 'busy') this.#enter('idle');
    else if (this.#phase === 'finishing') this.#linger();
  }

  /** The peer wants no more of this connection; what is under way goes on. */
  onGoaway(): void {
    if (this.#phase === 'idle') this.#linger();
    else if (this.#phase === 'busy') this.#finish();
  }

  onPingAnswered(): void {
    if (this.#phase === 'announced') this.#finish();
  }

  onFault(fault: Http2Fault): void {
    this.services.observer.wireError(fault.error.code);
    this.#abortAll('client_aborted', fault.detail);
    this.#linger();
  }

  get #limits() {
    return this.services.settings.options.limits;
  }

  #listen(): void {
    const socket = this.#socket;
    this.services.reading.begin(socket, (view, count) => this.#onData(view, count));
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => this.#linger());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#onClose());
  }

  #onData(view: Buffer, count: number): void {
    if (this.#phase === 'lingering' || this.#phase === 'closed') return;
    this.#session.feed(view.length === count ? view : view.subarray(0, count), performance.now());
    if (this.#phase === 'opening' && this.#session.isSettled) this.#enter(this.#hosts.size > 0 ? 'busy' : 'idle');
    if (this.#session.isWithinHead) this.#awaitHead();
    else this.services.wheel.cancel(this.#headTimer);
    if (this.#writer.pendingBytes > unreadBytes) this.#socket.pause();
  }

  #onDrain(): void {
    for (const host of [...this.#hosts]) {
      host.onPeerDrain();
      if (this.#writer.isBusy) break;
    }
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  #onClose(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.services.wheel.cancel(this.#timer);
    this.services.wheel.cancel(this.#headTimer);
    this.#session.stop();
    this.#abortAll('client_aborted', null);
    this.#onClosed(this);
  }

  #abortAll(result: OutcomeResult, detail: string | null): void {
    for (const host of [...this.#hosts]) host.abort(result, detail);
  }

  /** No stream that begins from here on is taken. */
  #finish(): void {
    this.#session.takeNoMore();
    this.#enter('finishing');
    if (this.#hosts.size === 0) this.#linger();
  }

  /** The last word was said. */
  #linger(): void {
    if (this.#phase === 'closed' || this.#phase === 'lingering') return;
    if (this.#phase === 'idle' || this.#phase === 'opening') this.#session.takeNoMore();
    this.#session.stop();
    this.#abortAll('client_aborted', 'the peer closed the connection');
    this.#enter('lingering');
    this.#writer.flush();
    this.#socket.end();
    this.#socket.resume();
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    const limits = this.#limits;
    const ms = phase === 'idle' ? this.holder.idleMs : phaseMs(phase, limits.headerMs);
    this.services.wheel.schedule(this.#timer, ms);
  }

  #onTimeout(): void {
    switch (this.#phase) {
      case 'opening':
        this.services.observer.limitMet('header');
        return this.#linger();
      case 'idle':
        this.services.observer.limitMet('idle');
        return this.closeWhenIdle();
      case 'announced':
        return this.#finish();
      default:
        this.#socket.destroy();
    }
  }

  #awaitHead(): void {
    if (!this.#headTimer.isScheduled) this.services.wheel.schedule(this.#headTimer, this.#limits.headerMs);
  }

  #onSlowHead(): void {
    this.services.observer.limitMet('header');
    this.#abortAll('client_aborted', 'a header block was left unfinished');
    this.#linger();
  }
}

/** Those of a request stand beside the fields that `limits.headers` counts. */
const pseudoFields = 4;

/** Milliseconds, or Infinity. */
function phaseMs(phase: Exclude<Phase, 'idle'>, headerMs: number): number {
  switch (phase) {
    case 'opening':
      return headerMs;
    case 'announced':
      return announceMs;
    case 'lingering':
      return lingerMs;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** 16 octets that nobody else has, in base64 (RFC 6455 §4.1). */
function websocketKey(uuid: string): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64');
}
