// One opaque connection: judged as a whole, recorded, and only then is the workload (or the peer that it calls) dialled.
// Nothing is ever read to find out what is spoken, so servers who speak first work.
//
// INVARIANT: nobody is dialled before `recorded()` was called for an allow: `connect` asks for the permit.
// States: `recording`; `dialling`; `relaying`; `lingering` while the peer takes what was written last; `done`.

import type { ConnectionFacts, DecisionEvent, OutcomeResult, RecordWaiter } from '../audit/decision-event.ts';
import type { PosternError } from '../errors.ts';
import { WheelEntry } from '../lib/timer-wheel.ts';
import type { Caller } from './caller.ts';
import { ConnectionDecision } from './connection-decision.ts';
import { lingerMs } from './connection-phase.ts';
import { outcomeEvent, wantsOutcome } from './exchange-outcome.ts';
import type { ConnectionPlan, ExchangeServices } from './exchange-services.ts';
import type { ConnectionSide } from './inbound-request.ts';
import { type PeerConnection, type PeerConnectionOptions, type PeerSocket, resetSocket } from './peer-connection.ts';
import type { ConnectionRight } from './peer-right.ts';
import { type RelayFault, TcpRelay } from './tcp-relay.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamSource, UpstreamWaiter } from './upstream-source.ts';

type State =
  | { readonly kind: 'recording' }
  | { readonly kind: 'dialling'; readonly pool: UpstreamSource }
  | { readonly kind: 'relaying'; readonly relay: TcpRelay }
  | { readonly kind: 'lingering' }
  | { readonly kind: 'done' };

const recording: State = Object.freeze({ kind: 'recording' });
const lingering: State = Object.freeze({ kind: 'lingering' });
const done: State = Object.freeze({ kind: 'done' });
const noBytes = Object.freeze({ request: 0, response: 0 });

export interface TcpConnectionOptions extends PeerConnectionOptions {
  readonly services: ExchangeServices;
  readonly peer: PeerSocket;
  /** What the server gets before the first octet; left out: nothing. */
  readonly preamble?: (event: DecisionEvent) => Uint8Array | null;
  readonly onClosed: (connection: TcpConnection) => void;
}

export class TcpConnection implements PeerConnection, RecordWaiter, UpstreamWaiter {
  readonly right: ConnectionRight;
  /** Nothing rests on a token. */
  readonly tokenEnded = null;
  readonly #options: TcpConnectionOptions;
  readonly #services: ExchangeServices;
  readonly #decision: ConnectionDecision;
  readonly #linger = new WheelEntry(() => this.#endLinger());
  readonly #startedMs = performance.now();
  readonly #openedMs: number;
  #own: Caller;
  /** Edition of the descriptions that it is of. */
  #edition: unknown;
  #plan: ConnectionPlan | null = null;
  #planOf: Caller | null = null;
  #state: State = recording;
  #pendingAtLinger = 0;

  constructor(options: TcpConnectionOptions) {
    const { services, peer } = options;
    this.#options = options;
    this.#services = services;
    this.right = options.right;
    this.#own = options.own;
    this.#edition = services.descriptions.edition;
    this.#openedMs = services.wheel.nowMs;
    peer.socket.on('error', () => this.#onPeerGone());
    peer.socket.on('close', () => this.#onClose());
    this.#decision = new ConnectionDecision(services, this);
    services.recorder.decision(this.#decision.event, this);
  }

  get side(): ConnectionSide {
    return this.#own.side;
  }

  get facts(): ConnectionFacts {
    return this.#own.facts;
  }

  get isOver(): boolean {
    return this.#options.peer.socket.destroyed;
  }

  /** The plan for this caller under the policy of now. */
  get plan(): ConnectionPlan {
    const { plans } = this.#services;
    if (this.#plan === null || this.#planOf !== this.#own || this.#plan.revision !== plans.revision) {
      this.#plan = plans.planFor(this.side.principal, this.side.tls);
      this.#planOf = this.#own;
    }
    return this.#plan;
  }

  recorded(): void {
    if (this.#state.kind !== 'recording') return;
    const { decision, enforced } = this.#decision.event;
    if (decision.effect === 'deny' && enforced) {
      this.#state = done;
      return resetSocket(this.#options.peer);
    }
    const { settings, shadowPermit } = this.#services;
    this.#state = { kind: 'dialling', pool: settings.pool };
    settings.pool.connect(decision.permit ?? shadowPermit, this);
  }

  recordFailed(error: PosternError): void {
    if (this.#state.kind === 'recording') this.#cut('record_failed', error);
  }

  onUpstreamReady(upstream: UpstreamConnection): void {
    if (this.#state.kind !== 'dialling') return upstream.destroy();
    const services = this.#services;
    const { peer } = this.#options;
    const onEnd = (result: OutcomeResult, fault: RelayFault): void => this.#onRelayEnd(result, fault);
    const preamble = this.#options.preamble?.(this.#decision.event) ?? null;
    const relay = new TcpRelay({ services, peer, upstream, openedMs: this.#openedMs, onEnd }, preamble);
    this.#state = { kind: 'relaying', relay };
    services.observer.relayOpened();
  }

  onUpstreamUnreachable(error: PosternError): void {
    if (this.#state.kind === 'dialling') this.#cut('upstream_unreachable', error);
  }

  judgeOpenAgain(): void {
    if (this.#state.kind === 'done' || this.#state.kind === 'lingering') return;
    this.#describeAgain();
    if (this.#decision.hasEnded()) this.#cut('revoked', 'the connection would be denied now');
  }

  /** It has no requests to end after: a drain gives it all the time that there is. */
  closeWhenIdle(): void {}

  end(detail: string, result: OutcomeResult = 'drained'): void {
    this.#cut(result, detail);
  }

  #describeAgain(): void {
    const { descriptions } = this.#services;
    if (this.#edition === descriptions.edition) return;
    this.#edition = descriptions.edition;
    this.#own = this.#options.describe(this.#own);
  }

  #onRelayEnd(result: OutcomeResult, fault: RelayFault): void {
    if (result !== 'closed') return this.#cut(result, fault);
    this.#report(result, fault);
    this.#state = lingering;
    this.#services.wheel.schedule(this.#linger, lingerMs);
    this.#options.peer.socket.destroySoon();
  }

  /** A peer that still takes what was written last is given time; one that does not move is cut off. */
  #endLinger(): void {
    const { socket } = this.#options.peer;
    const pending = socket.writableLength;
    if (pending === 0 || pending === this.#pendingAtLinger) return void socket.destroy();
    this.#pendingAtLinger = pending;
    this.#services.wheel.schedule(this.#linger, lingerMs);
  }

  #onPeerGone(): void {
    this.#cut('client_aborted', 'the caller broke the connection off');
  }

  #onClose(): void {
    this.#onPeerGone();
    this.#services.wheel.cancel(this.#linger);
    this.#options.onClosed(this);
  }

  /** Ends both sides at once, so that neither takes what it has for whole. */
  #cut(result: OutcomeResult, fault: RelayFault): void {
    const state = this.#state;
    if (state.kind === 'dialling') state.pool.cancel(this);
    if (state.kind === 'relaying') state.relay.cut();
    if (state.kind !== 'done' && state.kind !== 'lingering') this.#report(result, fault);
    this.#state = done;
    resetSocket(this.#options.peer);
  }

  /** The close record: how it ended, and what passed. */
  #report(result: OutcomeResult, fault: RelayFault): void {
    const { observer, clock, recorder, settings } = this.#services;
    const relay = this.#state.kind === 'relaying' ? this.#state.relay : null;
    const bytes = relay?.bytes ?? noBytes;
    observer.relayEnded(result, relay !== null);
    if (!wantsOutcome(settings.outcomes, result)) return;
    const durationMs = performance.now() - this.#startedMs;
    const { code, message: detail } =
      typeof fault === 'string' || fault === null ? { code: null, message: fault } : fault;
    const end = { timeUs: clock.nowUs(), result, status: null, bytes, durationMs, code, detail };
    recorder.outcome(outcomeEvent(this.#decision.event, end));
  }
}
