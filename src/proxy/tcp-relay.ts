// HOT PATH (npm run bench -- --only relay-download,relay-upload). Octets both ways between two open connections, until both sides ended, nothing moved
// for too long, or it is as old as it may get. A side that does not take what comes holds the other one up (back-pressure).
//
// States: `open` while both sides send; `half_closed` while one does; `done`.

import type { OutcomeResult } from '../audit/decision-event.ts';
import type { PosternError } from '../errors.ts';
import { WheelEntry } from '../lib/timer-wheel.ts';
import type { ExchangeServices } from './exchange-services.ts';
import { GatheredBody } from './gathered-body.ts';
import type { PeerSocket } from './peer-connection.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamTunnelUser } from './upstream-user.ts';

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'half_closed'; readonly by: 'peer' | 'workload' }
  | { readonly kind: 'done' };

const open: State = Object.freeze({ kind: 'open' });
const done: State = Object.freeze({ kind: 'done' });

/** What went wrong, for the operator; null: nothing. */
export type RelayFault = PosternError | string | null;

export interface TcpRelayParts {
  readonly services: ExchangeServices;
  readonly peer: PeerSocket;
  readonly upstream: UpstreamConnection;
  /** The begin of the peer's connection, by the wheel's clock: `limits.connection_age` counts from there. */
  readonly openedMs: number;
  /** Called once. `closed`: both sides said all they had to say; what was written last is on its way. */
  readonly onEnd: (result: OutcomeResult, fault: RelayFault) => void;
}

export class TcpRelay implements UpstreamTunnelUser {
  readonly #parts: TcpRelayParts;
  readonly #encrypts: boolean;
  readonly #towardsServer: GatheredBody;
  readonly #timer = new WheelEntry(() => this.#onTimeout());
  #state: State = open;
  #inBytes = 0;
  #outBytes = 0;
  #movedMs: number;

  /** Takes both connections over; `preamble` goes to the workload before the first octet of the peer. */
  constructor(parts: TcpRelayParts, preamble: Uint8Array | null) {
    const { services, peer, upstream } = parts;
    this.#parts = parts;
    this.#encrypts = peer.raw !== peer.socket;
    this.#movedMs = services.wheel.nowMs;
    const onBusy = (): void => void peer.socket.pause();
    this.#towardsServer = new GatheredBody(upstream, { buffers: services.bodyBuffers, isChunked: false, onBusy });
    upstream.becomeRelay(this);
    if (preamble !== null) upstream.write(Buffer.from(preamble));
    this.#arm();
    peer.socket.on('drain', () => this.#onPeerDrain());
    peer.socket.on('end', () => this.#onPeerEnd());
    this.#readPeer();
  }

  /** Octets that passed: `request` towards the workload. */
  get bytes(): { readonly request: number; readonly response: number } {
    return { request: this.#inBytes, response: this.#outBytes };
  }

  /** Ends the workload's side at once, so that it does not take what it has for whole. */
  cut(): void {
    if (this.#state.kind === 'done') return;
    this.#finish();
    this.#parts.upstream.reset();
  }

  onWorkloadBytes(view: Buffer): void {
    if (this.#state.kind === 'done') return;
    this.#outBytes += view.length;
    this.#movedMs = this.#parts.services.wheel.nowMs;
    this.#parts.services.observer.relayBytes('out', view.length);
    const { socket } = this.#parts.peer;
    // While nothing is queued, TLS encrypts a write before it returns; else the next read would write over the view.
    const bytes = this.#encrypts && socket.writableLength === 0 ? view : Buffer.from(view);
    if (!socket.write(bytes)) this.#parts.upstream.pauseReading();
  }

  onWorkloadDrain(): void {
    if (this.#state.kind !== 'done') this.#parts.peer.socket.resume();
  }

  onWorkloadEnd(): void {
    if (this.#state.kind === 'done') return;
    this.#parts.peer.socket.end();
    this.#ended('workload');
  }

  onWorkloadGone(error: PosternError): void {
    this.#break('upstream_failed', error);
  }

  /** What came before is in the queue of the socket; from then on it is read past it. */
  #readPeer(): void {
    const { services, peer } = this.#parts;
    const { socket } = peer;
    for (let ahead: Buffer | null = socket.read(); ahead !== null; ahead = socket.read()) this.#onPeerBytes(ahead);
    services.reading.begin(socket, (view, count) => this.#onPeerBytes(view.subarray(0, count)));
    socket.resume();
  }

  #onPeerBytes(view: Buffer): void {
    if (this.#state.kind === 'done') return;
    const { services, peer } = this.#parts;
    this.#inBytes += view.length;
    this.#movedMs = services.wheel.nowMs;
    services.observer.relayBytes('in', view.length);
    if (!this.#towardsServer.add(view)) peer.socket.pause();
  }

  #onPeerDrain(): void {
    if (this.#state.kind !== 'done') this.#parts.upstream.resumeReading();
  }

  #onPeerEnd(): void {
    if (this.#state.kind === 'done') return;
    this.#towardsServer.flush();
    this.#parts.upstream.endWriting();
    this.#ended('peer');
  }

  #ended(by: 'peer' | 'workload'): void {
    if (this.#state.kind === 'open') {
      this.#state = { kind: 'half_closed', by };
      return;
    }
    if (this.#state.kind !== 'half_closed' || this.#state.by === by) return;
    this.#finish();
    this.#parts.upstream.finish();
    this.#parts.onEnd('closed', null);
  }

  #break(result: OutcomeResult, fault: PosternError | string): void {
    if (this.#state.kind === 'done') return;
    this.cut();
    this.#parts.onEnd(result, fault);
  }

  #finish(): void {
    this.#state = done;
    this.#towardsServer.stop();
    this.#parts.services.wheel.cancel(this.#timer);
  }

  #arm(): void {
    const { services, openedMs } = this.#parts;
    const { idleMs, connectionAgeMs } = services.settings.options.limits;
    const { wheel } = services;
    const untilMs = Math.min(this.#movedMs + idleMs, openedMs + connectionAgeMs);
    if (untilMs !== Number.POSITIVE_INFINITY) wheel.schedule(this.#timer, Math.max(0, untilMs - wheel.nowMs));
  }

  /** The timer runs on while octets move, and looks how long ago the last did: cheaper than to move it with each. */
  #onTimeout(): void {
    const { services, openedMs } = this.#parts;
    const { wheel, observer, settings } = services;
    const { idleMs, connectionAgeMs } = settings.options.limits;
    if (wheel.nowMs - openedMs >= connectionAgeMs) {
      observer.limitMet('connection_age');
      return this.#break('limit', 'the connection is as old as `limits.connection_age` allows');
    }
    if (wheel.nowMs - this.#movedMs < idleMs) return this.#arm();
    observer.limitMet('idle');
    this.#break('limit', 'nothing moved either way for `limits.idle`');
  }
}
