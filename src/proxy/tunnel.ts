// What an exchange becomes after the workload's 101: octets both ways as they come, until both sides ended, nothing moved
// for too long, or the right that opened it ended. Postern never writes into it.
//
// States: `open` while both sides send; `half_closed` while one does; `done`.

import type { DecisionEvent, OutcomeResult } from '../audit/decision-event.ts';
import type { ErrorCode, PosternError } from '../errors.ts';
import { WheelEntry } from '../lib/timer-wheel.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import { outcomeEvent, wantsOutcome } from './exchange-outcome.ts';
import type { ExchangeServices, OctetHost, PeerTunnelUser } from './exchange-services.ts';
import { OpenDecision } from './open-decision.ts';
import type { OctetLine } from './upstream-line.ts';
import type { UpstreamTunnelUser } from './upstream-user.ts';

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'half_closed'; readonly by: 'peer' | 'workload' }
  | { readonly kind: 'done' };

const open: State = Object.freeze({ kind: 'open' });
const done: State = Object.freeze({ kind: 'done' });

/** What a tunnel is made of. */
export interface TunnelParts {
  readonly services: ExchangeServices;
  readonly host: OctetHost;
  readonly upstream: OctetLine;
  /** The decision that allowed the upgrade, and the request that it was about. */
  readonly event: DecisionEvent;
  readonly head: RequestHead;
  /** Monotonic milliseconds of the begin of the request. */
  readonly startedMs: number;
}

export class Tunnel implements PeerTunnelUser, UpstreamTunnelUser {
  readonly #parts: TunnelParts;
  readonly #timer = new WheelEntry(() => this.#onTimeout());
  #state: State = open;
  #inBytes = 0;
  #outBytes = 0;
  #movedMs: number;
  readonly #decision: OpenDecision;

  private constructor(parts: TunnelParts) {
    const { services } = parts;
    this.#parts = parts;
    this.#movedMs = services.wheel.nowMs;
    // Policy may have changed between the decision and the 101: the first sweep looks.
    this.#decision = new OpenDecision(parts, { first: parts.event, head: parts.head }, null);
    services.observer.tunnelOpened();
  }

  /** Takes both connections over; the peer must have the 101 already. */
  static open(parts: TunnelParts): void {
    const tunnel = new Tunnel(parts);
    const fromWorkload = parts.upstream.becomeTunnel(tunnel);
    const fromPeer = parts.host.becomeTunnel(tunnel);
    tunnel.#arm();
    if (fromWorkload.length > 0) tunnel.onWorkloadBytes(fromWorkload);
    if (fromPeer.length > 0) tunnel.onPeerBytes(fromPeer);
  }

  onPeerBytes(bytes: Buffer): void {
    if (this.#state.kind === 'done') return;
    const { services, host, upstream } = this.#parts;
    this.#inBytes += bytes.length;
    this.#movedMs = services.wheel.nowMs;
    services.observer.tunnelBytes('in', bytes.length);
    if (!upstream.write(bytes)) host.pausePeerReading();
  }

  onPeerDrain(): void {
    if (this.#state.kind !== 'done') this.#parts.upstream.resumeReading();
  }

  onPeerEnd(): void {
    if (this.#state.kind === 'done') return;
    this.#parts.upstream.endWriting();
    this.#ended('peer');
  }

  onWorkloadBytes(view: Buffer): void {
    if (this.#state.kind === 'done') return;
    const { services, host, upstream } = this.#parts;
    this.#outBytes += view.length;
    this.#movedMs = services.wheel.nowMs;
    services.observer.tunnelBytes('out', view.length);
    if (!host.sink.writeView('', view, '')) upstream.pauseReading();
  }

  onWorkloadDrain(): void {
    if (this.#state.kind !== 'done') this.#parts.host.resumePeerReading();
  }

  onWorkloadEnd(): void {
    if (this.#state.kind === 'done') return;
    this.#parts.host.sink.end();
    this.#ended('workload');
  }

  onWorkloadGone(error: PosternError): void {
    this.#cut('upstream_failed', error.message, error.code);
  }

  abort(result: OutcomeResult, detail: string | null): void {
    if (this.#state.kind === 'done') return;
    this.#parts.upstream.destroy();
    this.#report(result, detail);
  }

  judgeAgain(): void {
    if (this.#state.kind === 'done' || !this.#decision.hasEnded()) return;
    this.#cut('revoked', 'the upgrade would be denied now');
  }

  #ended(by: 'peer' | 'workload'): void {
    if (this.#state.kind === 'half_closed') {
      if (this.#state.by === by) return;
      this.#parts.upstream.finish();
      this.#report('answered', null);
      return this.#parts.host.onExchangeDone(true);
    }
    this.#state = { kind: 'half_closed', by };
    this.#arm();
  }

  /** Ends both sides at once, so that neither takes what it has for whole. */
  #cut(result: OutcomeResult, detail: string, code: ErrorCode | null = null): void {
    if (this.#state.kind === 'done') return;
    this.#parts.upstream.destroy();
    this.#report(result, detail, code);
    this.#parts.host.cut();
  }

  /** A side that waits for the other to end needs no patience beyond that of any idle connection. */
  get #idleMs(): number {
    const { idleMs, websocketIdleMs } = this.#parts.services.settings.options.limits;
    return this.#state.kind === 'half_closed' ? Math.min(idleMs, websocketIdleMs) : websocketIdleMs;
  }

  #arm(): void {
    const { wheel } = this.#parts.services;
    const quietMs = wheel.nowMs - this.#movedMs;
    wheel.schedule(this.#timer, Math.max(0, this.#idleMs - quietMs));
  }

  /** The timer runs on while octets move, and looks how long ago the last did: cheaper than to move it with each. */
  #onTimeout(): void {
    const { wheel, observer } = this.#parts.services;
    if (wheel.nowMs - this.#movedMs < this.#idleMs) return this.#arm();
    observer.limitMet('websocket_idle');
    this.#cut('limit', 'nothing moved either way for `limits.websocket_idle`');
  }

  #report(result: OutcomeResult, detail: string | null, code: ErrorCode | null = null): void {
    this.#state = done;
    const { services, event, startedMs } = this.#parts;
    services.wheel.cancel(this.#timer);
    services.observer.tunnelClosed(result);
    if (!wantsOutcome(services.settings.outcomes, result)) return;
    const bytes = { request: this.#inBytes, response: this.#outBytes };
    const durationMs = performance.now() - startedMs;
    const timeUs = services.clock.nowUs();
    services.recorder.outcome(outcomeEvent(event, { timeUs, result, status: 101, bytes, durationMs, detail, code }));
  }
}
