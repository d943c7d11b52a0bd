// HOT PATH (bench/audit.bench.ts). Events on their way to the journal; each knows how to become a line.

import type { AuthnFailedEvent, DecisionEvent, OutcomeEvent, RecordWaiter } from './decision-event.ts';
import type { JournalEntry } from './group-commit.ts';
import type { LineBuffer } from './line-buffer.ts';
import type { NativeEncoder } from './native-encoder.ts';

/** A decision; its request waits. */
export class DecisionEntry implements JournalEntry {
  readonly kind: 'allow' | 'deny';
  readonly waiter: RecordWaiter;
  readonly #event: DecisionEvent;
  readonly #encoder: NativeEncoder;

  constructor(event: DecisionEvent, waiter: RecordWaiter, encoder: NativeEncoder) {
    this.kind = event.decision.effect;
    this.#event = event;
    this.waiter = waiter;
    this.#encoder = encoder;
  }

  encode(seq: number, out: LineBuffer): void {
    this.#encoder.decision(this.#event, seq, out);
  }
}

/** A refused peer; nobody waits. */
export class AuthnFailedEntry implements JournalEntry {
  readonly kind = 'deny';
  readonly waiter = null;
  readonly #event: AuthnFailedEvent;
  readonly #encoder: NativeEncoder;

  constructor(event: AuthnFailedEvent, encoder: NativeEncoder) {
    this.#event = event;
    this.#encoder = encoder;
  }

  encode(seq: number, out: LineBuffer): void {
    this.#encoder.authnFailed(this.#event, seq, out);
  }
}

/** The end of a request; nobody waits. */
export class OutcomeEntry implements JournalEntry {
  readonly kind = 'outcome';
  readonly waiter = null;
  readonly #event: OutcomeEvent;
  readonly #encoder: NativeEncoder;

  constructor(event: OutcomeEvent, encoder: NativeEncoder) {
    this.#event = event;
    this.#encoder = encoder;
  }

  encode(seq: number, out: LineBuffer): void {
    this.#encoder.outcome(this.#event, seq, out);
  }
}
