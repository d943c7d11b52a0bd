// The life of one federation relationship (SPIFFE Federation §6.2): fetch, keep the last good bundle, fetch again when the
// bundle hints so, or after a growing wait where it failed. It never gives up; only `close` ends it.

import { isPosternError, type PosternError } from '../errors.ts';
import { type BundleDocument, parseBundleDocument } from '../identity/bundle-document.ts';
import type { FederationStatus } from '../identity/source.ts';
import { assertBundleCurrent } from '../identity/trust-bundle.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import { Backoff } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { endpointFault, type FetchFault, type FetchOutcome } from './endpoint-fetch.ts';
import type { BundleEndpoint } from './federation-options.ts';

/** Milliseconds. */
export interface PollTimings {
  /** Where neither configuration nor bundle says how often. Default 5 min (SPIFFE Federation §4.1). */
  readonly refreshMs: number;
  /** Bounds of what a bundle may hint. Default 10 s to 1 h. */
  readonly leastHintMs: number;
  readonly mostHintMs: number;
  /** Wait after a first failure, at most; it grows up to the time between two fetches. Default 5 s. */
  readonly firstRetryMs: number;
}

export const pollDefaults: PollTimings = Object.freeze({
  refreshMs: 300_000,
  leastHintMs: 10_000,
  mostHintMs: 3_600_000,
  firstRetryMs: 5_000,
});

/** How often a bundle of a lower sequence is refused in a row before it is taken for the partner's word. */
const mostBackward = 3;

export interface EndpointPollOptions {
  readonly endpoint: BundleEndpoint;
  readonly timings: PollTimings;
  readonly fetch: (endpoint: BundleEndpoint, signal: AbortSignal) => Promise<FetchOutcome>;
  readonly clock: Clock;
  /** 0 up to but without 1. */
  readonly random: () => number;
  /** A good bundle came; it may say the same as before. */
  readonly onBundle: () => void;
  /** It failed, and the last good bundle stays. */
  readonly onFault: (error: PosternError) => void;
  /** A defect of ours. */
  readonly onError: (error: unknown) => void;
}

export class EndpointPoll {
  readonly trustDomain: TrustDomain;
  readonly #options: EndpointPollOptions;
  readonly #closing = new AbortController();
  readonly #failures = new Map<FetchFault, number>();
  readonly #first = Promise.withResolvers<void>();
  #backoff: Backoff;
  #timer: NodeJS.Timeout | undefined;
  #fetching: Promise<void> | null = null;
  #document: BundleDocument | null = null;
  #lastSuccessMs: number | null = null;
  #nextFetchMs: number | null = null;
  #fault: PosternError | null = null;
  #backward = 0;

  constructor(options: EndpointPollOptions) {
    this.#options = options;
    this.trustDomain = TrustDomain.parse(options.endpoint.trustDomain);
    this.#backoff = this.#freshBackoff();
  }

  /** The last good one, unless it was dropped; null where there is none. */
  get document(): BundleDocument | null {
    return this.#document;
  }

  get status(): FederationStatus {
    const { url, profile, hasFile } = this.#options.endpoint;
    return {
      trustDomain: this.trustDomain.name,
      url,
      profile: profile.kind,
      hasFile,
      using: this.#document !== null ? 'endpoint' : hasFile ? 'file' : 'none',
      lastSuccessMs: this.#lastSuccessMs,
      nextFetchMs: this.#nextFetchMs,
      sequence: this.#document?.sequence ?? null,
      failures: this.#failures,
      fault: this.#fault,
    };
  }

  /** Resolves after the first attempt, whatever came of it. */
  get attempted(): Promise<void> {
    return this.#first.promise;
  }

  /** Fetches now, unless a fetch is under way, which is joined; resolves after it, never rejects. */
  fetchNow(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.resolve();
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  /** Forgets what was fetched: an operator gave a newer bundle by hand (§4.2), which holds until the next fetch. */
  drop(): void {
    this.#document = null;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#fetching;
    this.#first.resolve();
  }

  async #fetch(): Promise<void> {
    const { fetch, endpoint, onError } = this.#options;
    clearTimeout(this.#timer);
    this.#nextFetchMs = null;
    try {
      const outcome = await fetch(endpoint, this.#closing.signal);
      if (this.#closing.signal.aborted) return;
      if (outcome.ok) this.#take(outcome.text);
      else this.#fail(outcome.fault, outcome.error);
    } catch (error) {
      onError(error);
      this.#wait(this.#backoff.next());
    }
    this.#first.resolve();
  }

  #take(text: string): void {
    const { endpoint, clock, onBundle } = this.#options;
    let document: BundleDocument;
    try {
      document = parseBundleDocument(text, endpoint.url, this.trustDomain);
      assertBundleCurrent(document.x509, endpoint.url, clock.nowMs());
    } catch (error) {
      if (!isPosternError(error)) throw error;
      const fault = endpointFault(endpoint.url, `gave no usable bundle: ${error.message}`, { cause: error });
      return this.#fail('document', fault);
    }
    if (this.#isBackward(document)) {
      const what = `gave a bundle with sequence ${document.sequence}, which is behind ${this.#document?.sequence}`;
      return this.#fail('sequence', endpointFault(endpoint.url, what));
    }
    this.#document = isAnOlderCopy(document, this.#document) ? this.#document : document;
    this.#lastSuccessMs = clock.nowMs();
    this.#fault = null;
    this.#backoff = this.#freshBackoff();
    // Up to a tenth earlier, so that those who started together do not come together.
    this.#wait(this.#refreshMs() * (1 - this.#options.random() / 10));
    onBundle();
  }

  /** A replica that lags behind must not bring back an authority that is gone (§4.2); a server that was set up anew may. */
  #isBackward(document: BundleDocument): boolean {
    const last = this.#document;
    const isBehind = isBehindOf(document, last) && !isAnOlderCopy(document, last);
    this.#backward = isBehind ? this.#backward + 1 : 0;
    return isBehind && this.#backward < mostBackward;
  }

  #fail(fault: FetchFault, error: PosternError): void {
    this.#failures.set(fault, (this.#failures.get(fault) ?? 0) + 1);
    this.#fault = error;
    this.#wait(this.#backoff.next());
    this.#options.onFault(error);
  }

  #wait(waitMs: number): void {
    if (this.#closing.signal.aborted) return;
    this.#nextFetchMs = this.#options.clock.nowMs() + waitMs;
    this.#timer = setTimeout(() => void this.fetchNow(), waitMs).unref();
  }

  #refreshMs(): number {
    const { endpoint, timings } = this.#options;
    if (endpoint.refreshMs !== null) return endpoint.refreshMs;
    const hintMs = this.#document?.x509.refreshHintMs ?? null;
    if (hintMs === null) return timings.refreshMs;
    return Math.min(Math.max(hintMs, timings.leastHintMs), timings.mostHintMs);
  }

  /** The standard asks not to retry in haste (§6.2): never later than the next fetch would be, but not at once. */
  #freshBackoff(): Backoff {
    const { timings, random } = this.#options;
    const mostMs = this.#refreshMs();
    return new Backoff({ firstMs: Math.min(timings.firstRetryMs, mostMs), mostMs, random });
  }
}

function isBehindOf({ sequence }: BundleDocument, last: BundleDocument | null): boolean {
  return sequence !== null && last !== null && last.sequence !== null && sequence < last.sequence;
}

/** Replicas may each count for themselves: what says the same is not behind, whatever its number. */
function isAnOlderCopy(document: BundleDocument, last: BundleDocument | null): boolean {
  return last !== null && isBehindOf(document, last) && contentOf(document) === contentOf(last);
}

function contentOf({ x509, jwt }: BundleDocument): string {
  const prints = x509.authorities.map(({ facts }) => facts.fingerprintSha256);
  return JSON.stringify([prints.sort(), jwt.authorities]);
}
