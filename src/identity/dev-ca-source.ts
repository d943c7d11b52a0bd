// Identity from the embedded CA (identity.source: dev-ca): issues an SVID to itself and renews it at half its lifetime.

import { X509Certificate } from 'node:crypto';
import type { PosternError } from '../errors.ts';
import { isPosternError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { LatestValue } from '../lib/latest.ts';
import { readFederated } from './bundle-files.ts';
import { type DevCa, openDevCa } from './dev-ca.ts';
import { type FederatedBundleFile, readFileSet } from './identity-files.ts';
import { firstSnapshot, type IdentityReading, nextStep, readingOf } from './identity-state.ts';
import { noJwtBundles } from './jwt-bundle.ts';
import { type IdentitySnapshot, type IdentitySource, type IdentityStatus, rotationDueMs } from './source.ts';
import { SpiffeId } from './spiffe-id.ts';
import { createTrustBundle } from './trust-bundle.ts';

export interface DevCaSourceOptions {
  readonly dir: string;
  readonly spiffeId: string;
  readonly ttlMs: number;
  /** Names beside the SPIFFE ID, for clients that check host names. */
  readonly dnsNames: readonly string[];
  readonly federation: readonly FederatedBundleFile[];
  readonly clock: Clock;
  /** Time between two looks at the clock, milliseconds. */
  readonly pollMs: number;
  /** True where NODE_ENV is `production`: refused. */
  readonly isProduction: boolean;
  readonly onRefused: (error: PosternError) => void;
  readonly onWarning: (error: PosternError) => void;
  readonly onListenerError: (error: unknown) => void;
}

export const devCaSourceDefaults = Object.freeze({ ttlMs: 3_600_000, pollMs: 1_000 });

/** Opens or makes the CA and issues the first SVID. @throws PosternError */
export async function openDevCaSource(options: DevCaSourceOptions): Promise<IdentitySource> {
  const { dir, clock, isProduction } = options;
  const trustDomain = SpiffeId.parse(options.spiffeId).trustDomain.name;
  const ca = await openDevCa({ dir, trustDomain, clock, isProduction });
  const first = firstSnapshot(await issueIdentity(ca, options), clock.nowMs());
  return new DevCaSource(ca, options, first);
}

class DevCaSource extends LatestValue<IdentitySnapshot> implements IdentitySource {
  readonly #ca: DevCa;
  readonly #options: DevCaSourceOptions;
  readonly #timer: NodeJS.Timeout;
  #refreshing: Promise<void> = Promise.resolve();
  #isRotating = false;
  #isClosed = false;
  #lastUpdateMs: number;
  readonly jwtBundles = noJwtBundles;

  constructor(ca: DevCa, options: DevCaSourceOptions, first: IdentitySnapshot) {
    super(first, options.onListenerError);
    this.#ca = ca;
    this.#options = options;
    this.#lastUpdateMs = options.clock.nowMs();
    // The wall clock is looked at, instead of one long timer: a suspended machine must renew on waking.
    this.#timer = setInterval(() => this.#rotateIfDue(), options.pollMs).unref();
  }

  get status(): IdentityStatus {
    const own = { source: 'dev-ca', endpoint: null, streams: [], fault: null } as const;
    return { ...own, nextRotationMs: rotationDueMs(this.current), lastUpdateMs: this.#lastUpdateMs };
  }

  refresh(): Promise<void> {
    const next = this.#refreshing.then(() => this.#renew());
    this.#refreshing = next.catch(() => {});
    return next;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#refreshing;
  }

  #rotateIfDue(): void {
    if (this.#isRotating || this.#options.clock.nowMs() < rotationDueMs(this.current)) return;
    this.#isRotating = true;
    const settle = () => {
      this.#isRotating = false;
    };
    this.refresh().then(settle, settle); // refusals are told by onRefused
  }

  async #renew(): Promise<void> {
    const { clock, onRefused, onWarning } = this.#options;
    const step = nextStep(this.current, await issueIdentity(this.#ca, this.#options), clock.nowMs());
    if (this.#isClosed) return;
    if (step.next !== null) this.publish(step.next);
    for (const warning of step.warnings) onWarning(warning);
    for (const error of step.refused) onRefused(error);
    if (step.refused.length > 0) throw step.refused[0];
    this.#lastUpdateMs = clock.nowMs();
  }
}

async function issueIdentity(ca: DevCa, options: DevCaSourceOptions): Promise<IdentityReading> {
  const { spiffeId, ttlMs, dnsNames, federation, clock } = options;
  const texts = await readFileSet(federation.map((one) => one.bundleFile));
  const issued = await ca.issue({ spiffeId, ttlMs, dnsNames }).then(
    (value) => ({ ok: true, value }) as const,
    (error: unknown) => {
      if (isPosternError(error)) return { ok: false, error } as const;
      throw error;
    },
  );
  return {
    svid: issued,
    ownBundle: (trustDomain) => readingOf(() => createTrustBundle(trustDomain, [new X509Certificate(ca.bundlePem)])),
    federated: readFederated(texts, federation, clock.nowMs()),
  };
}
