// The life of one stream of the agent: open it, be patient for the first message, and open it again after a growing wait
// when it ends (SPIFFE_Workload_API §4.2). It never gives up; only `close` ends it.

import type { StreamEnd } from '../../grpc/stream-end.ts';
import { Backoff } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Caller, type ExplainedFault, explainEnd, explainStall, type StreamFault } from './agent-faults.ts';

/** Opens a call; its listener hears messages in order and then one end, nothing after `close`. */
export type OpenAgentCall = (
  method: string,
  listener: { onMessage(message: Uint8Array): void; onEnd(end: StreamEnd): void },
) => { close(): void };

/** Milliseconds. */
export interface AgentStreamTimings {
  /** How long the first message may take. The standard asks for it without delay (§4.3). Default 15 s. */
  readonly firstMessageMs: number;
  /** Wait after a first failure, at most. Default 500 ms. */
  readonly firstRetryMs: number;
  /** Longest wait. Default 15 s. */
  readonly mostRetryMs: number;
  /** Wait after an answer that the standard calls final; an agent may still be replaced by a newer one. Default 5 min. */
  readonly finalRetryMs: number;
  /** A stream that stood for so long was well: the next failure is a first one. Default 10 s. */
  readonly settledMs: number;
}

export const agentStreamDefaults: AgentStreamTimings = Object.freeze({
  firstMessageMs: 15_000,
  firstRetryMs: 500,
  mostRetryMs: 15_000,
  finalRetryMs: 300_000,
  settledMs: 10_000,
});

export interface AgentStreamOptions {
  /** Name for people and metrics. */
  readonly name: string;
  readonly method: string;
  readonly agent: string;
  readonly caller: Caller;
  readonly open: OpenAgentCall;
  readonly timings: AgentStreamTimings;
  readonly clock: Clock;
  /** 0 up to but without 1. */
  readonly random: () => number;
  readonly onMessage: (message: Uint8Array) => void;
  readonly onFault: (fault: ExplainedFault, retryMs: number) => void;
}

type StreamState =
  | { readonly kind: 'asked' | 'standing'; readonly call: { close(): void }; readonly sinceMs: number }
  | { readonly kind: 'waiting' | 'closed' };

/** Figures of a stream; counts rise from the start. */
export interface AgentStreamStatus {
  readonly name: string;
  /** True from the first message until the end. */
  readonly isUp: boolean;
  readonly failures: ReadonlyMap<StreamFault, number>;
}

export class AgentStream {
  readonly #options: AgentStreamOptions;
  readonly #backoff: Backoff;
  readonly #failures = new Map<StreamFault, number>();
  #state: StreamState = { kind: 'waiting' };
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AgentStreamOptions) {
    const { firstRetryMs, mostRetryMs } = options.timings;
    this.#options = options;
    this.#backoff = new Backoff({ firstMs: firstRetryMs, mostMs: mostRetryMs, random: options.random });
  }

  get status(): AgentStreamStatus {
    return { name: this.#options.name, isUp: this.#state.kind === 'standing', failures: this.#failures };
  }

  /** Opens it now; one that is open is closed first. */
  restart(): void {
    if (this.#state.kind === 'closed') return;
    this.#leave();
    const { open, method, clock, timings } = this.#options;
    // A call made in the past must not speak for this one.
    const isMine = () => 'call' in this.#state && this.#state.call === call;
    const call = open(method, {
      onMessage: (message) => isMine() && this.#hear(message),
      onEnd: (end) => isMine() && this.#fail(explainEnd(end, this.#place)),
    });
    this.#state = { kind: 'asked', call, sinceMs: clock.monotonicMs() };
    const stalled = (): void => this.#fail(explainStall(timings.firstMessageMs, this.#place));
    this.#timer = setTimeout(stalled, timings.firstMessageMs).unref();
  }

  close(): void {
    this.#leave();
    this.#state = { kind: 'closed' };
  }

  get #place() {
    const { agent, method, caller } = this.#options;
    return { agent, stream: method.slice(method.lastIndexOf('/') + 1), caller };
  }

  #hear(message: Uint8Array): void {
    clearTimeout(this.#timer);
    if (this.#state.kind === 'asked') this.#state = { ...this.#state, kind: 'standing' };
    this.#options.onMessage(message);
  }

  #fail(fault: ExplainedFault): void {
    const { clock, timings, onFault } = this.#options;
    const state = this.#state;
    const stoodMs = state.kind === 'standing' ? clock.monotonicMs() - state.sinceMs : 0;
    this.#leave();
    this.#failures.set(fault.fault, (this.#failures.get(fault.fault) ?? 0) + 1);
    if (stoodMs >= timings.settledMs) this.#backoff.reset();
    const retryMs = fault.isFinal ? timings.finalRetryMs : this.#backoff.next();
    this.#timer = setTimeout(() => this.restart(), retryMs).unref();
    onFault(fault, retryMs);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    if ('call' in this.#state) this.#state.call.close();
    this.#state = { kind: 'waiting' };
  }
}
