// Keys that an issuer publishes over HTTPS, fetched in the background: at the start, every so often, and when a token names
// a key that is not there. One fetch at a time whoever asks, none sooner than the last allows, and the last good keys stay.

import { isPosternError, PosternError } from '../../errors.ts';
import { Backoff } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { shown } from '../shown-text.ts';
import type { KeySource, KeySourceStatus } from './key-source.ts';
import { type KeySet, noKeys, readKeySet } from './verification-keys.ts';

/** Gets the text of a document; rejects with a PosternError where it cannot, or when told to. Bounded in time and size. */
export type FetchDocument = (url: string, signal: AbortSignal) => Promise<string>;

export interface RemoteKeysOptions {
  readonly issuer: string;
  /** Null: named by the discovery document of the issuer (OpenID Connect Discovery 1.0 §4). */
  readonly url: string | null;
  readonly refreshMs: number;
  /** Least time between two fetches that tokens ask for. */
  readonly lookAgainMs: number;
  /** Longest that a request waits for keys. */
  readonly patienceMs: number;
  readonly fetchDocument: FetchDocument;
  readonly clock: Clock;
  /** 0 up to but without 1. */
  readonly random: () => number;
  readonly onFailed: (error: PosternError) => void;
}

export const remoteKeysDefaults = Object.freeze({ lookAgainMs: 30_000 });

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/** Begins to fetch; never waits for it. */
export function openRemoteKeys(options: RemoteKeysOptions): KeySource {
  return new RemoteKeys(options);
}

class RemoteKeys implements KeySource {
  readonly #options: RemoteKeysOptions;
  readonly #backoff: Backoff;
  #current: KeySet = noKeys;
  #fetching: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  readonly #closing = new AbortController();
  #lastUpdateMs = 0;
  /** Monotonic. */
  #lastAskedMs = Number.NEGATIVE_INFINITY;
  #failures = 0;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
    const { refreshMs, random } = options;
    this.#backoff = new Backoff({ firstMs: firstRetryMs, mostMs: Math.min(longestRetryMs, refreshMs), random });
    void this.#fetch();
  }

  get current(): KeySet {
    return this.#current;
  }

  get status(): KeySourceStatus {
    return { keyCount: this.#current.keys.length, lastUpdateMs: this.#lastUpdateMs, failures: this.#failures };
  }

  lookAgain(): Promise<void> {
    const fetching = this.#fetching ?? this.#fetchForToken();
    return fetching === null ? Promise.resolve() : this.#patiently(fetching);
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  #fetchForToken(): Promise<void> | null {
    const { clock, lookAgainMs } = this.#options;
    if (this.#closing.signal.aborted || clock.monotonicMs() - this.#lastAskedMs < lookAgainMs) return null;
    return this.#fetch();
  }

  #patiently(fetching: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const patience = setTimeout(resolve, this.#options.patienceMs);
      void fetching.then(() => {
        clearTimeout(patience);
        resolve();
      });
    });
  }

  /** Never rejects. */
  #fetch(): Promise<void> {
    clearTimeout(this.#timer);
    this.#lastAskedMs = this.#options.clock.monotonicMs();
    const fetching = this.#fetchOnce().then((waitMs) => {
      this.#fetching = null;
      if (!this.#closing.signal.aborted) this.#timer = setTimeout(() => void this.#fetch(), waitMs).unref();
    });
    this.#fetching = fetching;
    return fetching;
  }

  /** How long to wait until the next. */
  async #fetchOnce(): Promise<number> {
    const { refreshMs, clock, onFailed, random } = this.#options;
    try {
      this.#current = await this.#fetchKeys();
      this.#lastUpdateMs = clock.nowMs();
      this.#backoff.reset();
      // Many sidecars that were started together do not ask together for ever.
      return refreshMs * (0.9 + 0.1 * random());
    } catch (error) {
      this.#failures++;
      if (!this.#closing.signal.aborted) onFailed(isPosternError(error) ? error : this.#fault('was not got', error));
      return this.#backoff.next();
    }
  }

  async #fetchKeys(): Promise<KeySet> {
    const { url, fetchDocument } = this.#options;
    const text = await fetchDocument(url ?? (await this.#discover()), this.#closing.signal);
    const keys = readKeySet(text, 'sig');
    if (keys === null) throw this.#fault('holds no key that could verify a token');
    return keys;
  }

  async #discover(): Promise<string> {
    const { issuer, fetchDocument } = this.#options;
    const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const document = parseObject(await fetchDocument(address, this.#closing.signal));
    // OpenID Connect Discovery 1.0 §4.3: another issuer's document would make its keys this one's.
    if (document['issuer'] !== issuer) throw this.#fault('is of another issuer, by its discovery document');
    const uri = document['jwks_uri'];
    if (typeof uri === 'string' && uri.startsWith('https://') && URL.canParse(uri)) return uri;
    throw this.#fault('has no https `jwks_uri` in its discovery document');
  }

  #fault(what: string, cause?: unknown): PosternError {
    return new PosternError('ERR_TOKEN_KEYS', `the key set of ${shown(this.#options.issuer)} ${what}`, { cause });
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
