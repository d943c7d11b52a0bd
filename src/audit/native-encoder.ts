// HOT PATH (bench/audit.bench.ts). Turns events into records of the native encoding, one JSON object a line (records.md).

import type { AuthnFailedEvent, DecisionEvent, OutcomeEvent } from './decision-event.ts';
import { DecisionLines } from './decision-lines.ts';
import type { JournalOptions } from './journal-options.ts';
import type { LineBuffer } from './line-buffer.ts';
import { authnFailedMembers, outcomeMembers } from './plain-members.ts';
import { asciiJson, maskedJson, type RecordLimits, RecordText, recordLimits } from './record-text.ts';
import { RecordTime } from './record-time.ts';

/** Longest line with its line feed, bytes. */
export const lineBytes = 16 * 1024;

/** What an encoder must know beforehand. */
export interface EncoderOptions extends Pick<JournalOptions, 'proxy' | 'redactPath'> {
  readonly streamId: string;
}

/** Appends records to a buffer. Lines are ASCII, end with a line feed and have at most `lineBytes`. */
export class NativeEncoder {
  readonly #time = new RecordTime();
  readonly #options: EncoderOptions;
  readonly #normal: DecisionLines;
  /** From `stream_id` on, by limits: what stands in every record of the stream. */
  readonly #streams: ReadonlyMap<RecordLimits, string>;

  constructor(options: EncoderOptions) {
    this.#options = options;
    this.#streams = new Map(recordLimits.map((limits) => [limits, streamMembers(options, limits)]));
    this.#normal = this.#decisionLines(recordLimits[0]);
  }

  decision(event: DecisionEvent, seq: number, out: LineBuffer): void {
    const start = out.end;
    this.#normal.encode(event, seq, out);
    if (out.end - start <= lineBytes) return;
    // Rare: only hostile input fills a line. The caches of the tighter encoders are not kept.
    firstThatFits(out, start, (limits) => this.#decisionLines(limits).encode(event, seq, out));
  }

  /** A `decision` record too: a deny of a peer that has no identity. */
  authnFailed(event: AuthnFailedEvent, seq: number, out: LineBuffer): void {
    const place = { type: 'decision', timeUs: event.timeUs, seq } as const;
    const encode = (limits: RecordLimits) => this.#plain(place, limits, (text) => authnFailedMembers(event, text));
    firstThatFits(out, out.end, (limits) => out.text(encode(limits)));
  }

  outcome(event: OutcomeEvent, seq: number, out: LineBuffer): void {
    const place = { type: 'outcome', timeUs: event.timeUs, seq } as const;
    const encode = (limits: RecordLimits) => this.#plain(place, limits, (text) => outcomeMembers(event, text));
    firstThatFits(out, out.end, (limits) => out.text(encode(limits)));
  }

  #decisionLines(limits: RecordLimits): DecisionLines {
    const stream = this.#streams.get(limits) ?? '';
    return new DecisionLines({ limits, stream, templateOnly: this.#options.redactPath === 'template' });
  }

  #plain(
    place: { readonly type: 'decision' | 'outcome'; readonly timeUs: number; readonly seq: number },
    limits: RecordLimits,
    make: (text: RecordText) => Record<string, unknown>,
  ): string {
    const text = new RecordText(limits);
    const members = asciiJson(make(text)).slice(1, -1);
    const masked = text.masked.length === 0 ? '' : `,"masked":${maskedJson(text.masked, limits)}`;
    const time = this.#time.text(place.timeUs);
    const head = `{"schema":"postern.decision/1","type":"${place.type}","time":"${time}","seq":${place.seq}`;
    return `${head}${this.#streams.get(limits) ?? ''},${members}${masked}}\n`;
  }
}

/** Encodes under tighter limits until the line fits; it does under the tightest. */
function firstThatFits(out: LineBuffer, start: number, encode: (limits: RecordLimits) => void): void {
  for (const limits of recordLimits) {
    out.cut(start);
    encode(limits);
    if (out.end - start <= lineBytes) return;
  }
}

function streamMembers(options: EncoderOptions, limits: RecordLimits): string {
  const text = new RecordText(limits);
  const { proxy } = options;
  const members = {
    stream_id: options.streamId,
    proxy: {
      instance: text.clean(proxy.instance, '/proxy/instance'),
      workload_id: text.cleanIdentity(proxy.workloadId, '/proxy/workload_id'),
      node: text.clean(proxy.node, '/proxy/node'),
      pod: text.clean(proxy.pod, '/proxy/pod'),
      version: text.clean(proxy.version, '/proxy/version'),
    },
  };
  return `,${asciiJson(members).slice(1, -1)}`;
}
