// A receiver over HTTP: Elasticsearch, the Splunk event collector, one record a line, or OTLP.

import { faultCode } from '../fault-code.ts';
import type { BulkPost, PostAnswer } from './bulk-post.ts';
import type { Encoded, EncodedRecord } from './encoded-record.ts';
import { allTaken, type Receiver, type ReceiverAnswer, type Reception } from './receiver.ts';

/** How a receiver takes many records at once, and how it says which it took. */
export interface BulkForm<Text extends Encoded = string> {
  /** Header fields of each request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: (group: readonly EncodedRecord<Text>[]) => string | Uint8Array;
  /** What the answer to a request of `count` records means. */
  readonly judge: (answer: PostAnswer, count: number) => ReceiverAnswer;
}

export class HttpReceiver<Text extends Encoded> implements Receiver {
  readonly #post: BulkPost;
  readonly #form: BulkForm<Text>;
  #isStale = false;

  constructor(post: BulkPost, form: BulkForm<Text>) {
    this.#post = post;
    this.#form = form;
  }

  async send(group: readonly EncodedRecord<Text>[], ending: AbortSignal): Promise<Reception> {
    if (group.length === 0) return allTaken;
    if (this.#isStale) {
      // First: what becomes stale meanwhile has to be taken anew by the next group.
      this.#isStale = false;
      await this.#post.renew();
    }
    try {
      const { body, headers, judge } = this.#form;
      const answer = await this.#post.post(body(group), headers, ending);
      if (answer.status === 401 || answer.status === 403) this.#isStale = true;
      return { answer: judge(answer, group.length), retryAfterMs: answer.retryAfterMs };
    } catch (error) {
      // The certificate or the secret may be an old one.
      this.#isStale = true;
      return { answer: { kind: 'later', why: faultCode(error) }, retryAfterMs: null };
    }
  }

  renew(): void {
    this.#isStale = true;
  }

  close(): void {
    this.#post.close();
  }
}
