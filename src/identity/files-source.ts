// Identity from files (identity.source: files). Watched; taken over part by part as soon as a part is whole and valid. The
// last good one stays, and every refusal is told.

import { setTimeout as pause } from 'node:timers/promises';
import { isPosternError, type PosternError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { type FileWatch, watchFiles } from '../lib/file-watch.ts';
import { LatestValue } from '../lib/latest.ts';
import { readBundle, readFederated, textOf } from './bundle-files.ts';
import { type FederatedBundleFile, keyExposure, readFileSet } from './identity-files.ts';
import {
  emptyBundleWarnings,
  firstSnapshot,
  type IdentityReading,
  type IdentityStep,
  nextStep,
  readingOf,
} from './identity-state.ts';
import { noJwtBundles } from './jwt-bundle.ts';
import type { IdentitySnapshot, IdentitySource, IdentityStatus } from './source.ts';
import { parseX509Svid } from './x509-svid.ts';

export interface FilesSourceTimings {
  /** Time between two looks at the files, milliseconds. Default 5 s. */
  readonly pollMs: number;
  /** How long a faulty set is read again before it is refused: cert and key are not replaced at one moment. Default 2 s. */
  readonly patienceMs: number;
  /** Time between two readings within that patience. Default 100 ms. */
  readonly retryMs: number;
  /** Time after which a refused set is tried again though the files did not change, milliseconds. Default 30 s. */
  readonly refusedRetryMs: number;
}

export const filesSourceDefaults: FilesSourceTimings = Object.freeze({
  refusedRetryMs: 30_000,
  pollMs: 5_000,
  patienceMs: 2_000,
  retryMs: 100,
});

const startPatienceMs = 500;
const longestSettleMs = 50;

export interface FilesSourceOptions extends FilesSourceTimings {
  readonly certFile: string;
  readonly keyFile: string;
  readonly bundleFile: string;
  readonly federation: readonly FederatedBundleFile[];
  readonly clock: Clock;
  /** A part was refused and its last good value stays; also called when refreshing again finds the same fault. */
  readonly onRefused: (error: PosternError) => void;
  /** It works, but somebody should look: an exposed key, an own SVID that the new bundle does not vouch for. */
  readonly onWarning: (error: PosternError) => void;
  /** A subscriber threw, or notification of file changes does not work. */
  readonly onListenerError: (error: unknown) => void;
}

/** Reads the files and starts to watch them. @throws PosternError naming the file and the mend */
export async function openFilesSource(options: FilesSourceOptions): Promise<IdentitySource> {
  let source: FilesSource | null = null;
  let isChanged = false;
  // The watch is ready before the first reading, so that no change falls between the two.
  const watch = watchFiles({
    paths: pathsOf(options),
    pollMs: options.pollMs,
    settleMs: Math.min(options.retryMs, longestSettleMs),
    onChange: () => {
      isChanged = true;
      source?.refreshSoon();
    },
    onError: options.onListenerError,
  });
  await watch.ready;
  try {
    const first = await readFirst(options);
    await warnOfExposure(options);
    for (const warning of emptyBundleWarnings(first.bundles)) options.onWarning(warning);
    source = new FilesSource(options, first, watch);
    if (isChanged) source.refreshSoon();
    return source;
  } catch (error) {
    watch.close();
    throw error;
  }
}

/** Once, and again for a moment where certificate and key do not fit: a start may fall into a rotation. */
async function readFirst(options: FilesSourceOptions): Promise<IdentitySnapshot> {
  const patienceMs = Math.min(options.patienceMs, startPatienceMs);
  for (let waitedMs = 0; ; waitedMs += options.retryMs) {
    try {
      return firstSnapshot(await readIdentity(options), options.clock.nowMs());
    } catch (error) {
      if (!isPosternError(error, 'ERR_SVID_KEY_MISMATCH') || waitedMs >= patienceMs) throw error;
      await pause(options.retryMs);
    }
  }
}

class FilesSource extends LatestValue<IdentitySnapshot> implements IdentitySource {
  readonly #options: FilesSourceOptions;
  readonly #watch: FileWatch;
  readonly #closing = new AbortController();
  #retry: NodeJS.Timeout | undefined;
  #refreshing: Promise<void> = Promise.resolve();
  #lastUpdateMs: number;
  readonly jwtBundles = noJwtBundles;

  constructor(options: FilesSourceOptions, first: IdentitySnapshot, watch: FileWatch) {
    super(first, options.onListenerError);
    this.#options = options;
    this.#watch = watch;
    this.#lastUpdateMs = options.clock.nowMs();
  }

  get status(): IdentityStatus {
    const own = { source: 'files', endpoint: null, nextRotationMs: null, streams: [], fault: null } as const;
    return { ...own, lastUpdateMs: this.#lastUpdateMs };
  }

  refresh(): Promise<void> {
    const next = this.#refreshing.then(() => this.#readAgain());
    this.#refreshing = next.catch(() => {});
    return next;
  }

  /** Like refresh, for callers that have no use for the outcome: refusals are told by onRefused. */
  refreshSoon(): void {
    this.refresh().catch(() => {});
  }

  async close(): Promise<void> {
    this.#watch.close();
    clearTimeout(this.#retry);
    this.#closing.abort();
    await this.#refreshing;
  }

  async #readAgain(): Promise<void> {
    const { onRefused, onWarning } = this.#options;
    const { next, refused, warnings } = await this.#patientStep();
    if (this.#closing.signal.aborted) return;
    if (next !== null) this.publish(next);
    if (next !== null) await warnOfExposure(this.#options);
    for (const warning of warnings) onWarning(warning);
    for (const error of refused) onRefused(error);
    clearTimeout(this.#retry);
    if (refused.length === 0) {
      this.#lastUpdateMs = this.#options.clock.nowMs();
      return;
    }
    // Some faults pass without a change of the files: a certificate that is not yet valid.
    this.#retry = setTimeout(() => this.refreshSoon(), this.#options.refusedRetryMs).unref();
    throw refused[0];
  }

  /** Reads until nothing is refused or patience ends; bundles that are good meanwhile wait no longer than that. */
  async #patientStep(): Promise<IdentityStep> {
    const { clock, patienceMs, retryMs } = this.#options;
    for (let waitedMs = 0; ; waitedMs += retryMs) {
      const step = nextStep(this.current, await readIdentity(this.#options), clock.nowMs());
      if (step.refused.length === 0 || waitedMs >= patienceMs || this.#closing.signal.aborted) return step;
      await pause(retryMs, undefined, { ref: false, signal: this.#closing.signal }).catch(() => {});
    }
  }
}

function pathsOf(options: FilesSourceOptions): string[] {
  const { certFile, keyFile, bundleFile, federation } = options;
  return [certFile, keyFile, bundleFile, ...federation.map((one) => one.bundleFile)];
}

async function readIdentity(options: FilesSourceOptions): Promise<IdentityReading> {
  const { certFile, keyFile, bundleFile, federation } = options;
  const texts = await readFileSet(pathsOf(options));
  const nowMs = options.clock.nowMs();
  return {
    svid: readingOf(() =>
      parseX509Svid({ certPem: textOf(texts, certFile), keyPem: textOf(texts, keyFile), certFile, keyFile, nowMs }),
    ),
    ownBundle: (trustDomain) => readBundle(texts, { trustDomain, file: bundleFile, nowMs }),
    federated: readFederated(texts, federation, nowMs),
  };
}

async function warnOfExposure(options: FilesSourceOptions): Promise<void> {
  const exposure = await keyExposure(options.keyFile);
  if (exposure !== null) options.onWarning(exposure);
}
