// A receiver over HTTP: Elasticsearch, the Splunk event collector, or one record a line.

import { faultCode } from '../fault-code.ts';
import { type BulkFlavour, bulkBody, contentType, judgeAnswer } from './bulk-format.ts';
import type { BulkPost } from './bulk-post.ts';
import type { EncodedRecord } from './encoded-record.ts';
import type { Receiver, Reception } from './receiver.ts';

export class HttpReceiver implements Receiver {
  readonly #post: BulkPost;
  readonly #flavour: BulkFlavour;
  #isStale = false;

  constructor(post: BulkPost, flavour: BulkFlavour) {
    this.#post = post;
    this.#flavour = flavour;
  }

  async send(group: readonly EncodedRecord[], ending: AbortSignal): Promise<Reception> {
    if (this.#isStale) await this.#post.renew();
    this.#isStale = false;
    try {
      const { retryAfterMs, ...answer } = await this.#post.post(
        bulkBody(this.#flavour, group),
        contentType(this.#flavour),
        ending,
      );
      this.#isStale = answer.status === 401 || answer.status === 403;
      return { answer: judgeAnswer(this.#flavour, answer, group.length), retryAfterMs };
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
