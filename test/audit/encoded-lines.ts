// The journal's encoder as tests like it: each record as text.

import type { AuthnFailedEvent, DecisionEvent, OutcomeEvent } from '../../src/audit/decision-event.ts';
import { LineBuffer } from '../../src/audit/line-buffer.ts';
import { type EncoderOptions, NativeEncoder } from '../../src/audit/native-encoder.ts';

export class EncodedLines {
  readonly #encoder: NativeEncoder;
  readonly #out = new LineBuffer();

  constructor(options: EncoderOptions) {
    this.#encoder = new NativeEncoder(options);
  }

  decision(event: DecisionEvent, seq: number): string {
    return this.#line(() => this.#encoder.decision(event, seq, this.#out));
  }

  authnFailed(event: AuthnFailedEvent, seq: number): string {
    return this.#line(() => this.#encoder.authnFailed(event, seq, this.#out));
  }

  outcome(event: OutcomeEvent, seq: number): string {
    return this.#line(() => this.#encoder.outcome(event, seq, this.#out));
  }

  /** Something stands before each line, as in a batch. */
  #line(encode: () => void): string {
    this.#out.clear();
    this.#out.text('before\n');
    const start = this.#out.end;
    encode();
    return this.#out.view(start).toString('latin1');
  }
}
