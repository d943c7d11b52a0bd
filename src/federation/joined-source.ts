// An identity source joined with what does not come from it: bundles that are fetched from bundle endpoints, and
// revocation lists from files. Opening it waits for no network.

import { BundleSet } from '../identity/bundle-set.ts';
import { CrlFiles, crlFilesDefaults } from '../identity/crl-files.ts';
import { CrlSet, type ExpiredCrlRule } from '../identity/crl-set.ts';
import type { CrlSigner } from '../identity/crl-signature.ts';
import { emptyBundleWarnings } from '../identity/identity-state.ts';
import type { JwtBundles } from '../identity/jwt-bundle.ts';
import type { RevocationList } from '../identity/revocation-list.ts';
import type {
  CrlListStatus,
  IdentityListeners,
  IdentitySnapshot,
  IdentitySource,
  IdentityStatus,
} from '../identity/source.ts';
import type { TrustBundle } from '../identity/trust-bundle.ts';
import type { Clock } from '../lib/clock.ts';
import { type Latest, LatestValue } from '../lib/latest.ts';
import { CrlExpiryWatch, describeCrls } from './crl-watch.ts';
import { EndpointPoll, type PollTimings } from './endpoint-poll.ts';
import { fetchFrom } from './endpoint-trust.ts';
import type { BundleEndpoint } from './federation-options.ts';

export interface JoinedSourceOptions extends IdentityListeners {
  readonly endpoints: readonly BundleEndpoint[];
  readonly crlFiles: readonly string[];
  readonly expiredCrl: ExpiredCrlRule;
  readonly revocations: Latest<RevocationList>;
  readonly timings: PollTimings;
  readonly clock: Clock;
  /** 0 up to but without 1. */
  readonly random: () => number;
}

/** A joined source, and when each endpoint was asked once. */
export interface JoinedSource extends IdentitySource {
  readonly attempted: Promise<void>;
}

/** Takes `base` over: it is closed with the joined source, or where that cannot be opened. @throws PosternError */
export async function openJoinedSource(base: IdentitySource, options: JoinedSourceOptions): Promise<JoinedSource> {
  const source = new Joined(base, options);
  try {
    await source.open();
    return source;
  } catch (error) {
    await source.close();
    throw error;
  }
}

class Joined extends LatestValue<IdentitySnapshot> implements JoinedSource {
  readonly jwtBundles: LatestValue<JwtBundles>;
  readonly #base: IdentitySource;
  readonly #options: JoinedSourceOptions;
  readonly #polls: readonly EndpointPoll[];
  readonly #crlFiles: CrlFiles;
  readonly #expiry: CrlExpiryWatch;
  readonly #stops: (() => void)[] = [];
  #baseSnapshot: IdentitySnapshot;
  #isClosed = false;
  #described: { readonly snapshot: IdentitySnapshot; readonly crls: readonly CrlListStatus[] } | null = null;

  constructor(base: IdentitySource, options: JoinedSourceOptions) {
    super(base.current, options.onListenerError);
    const { clock, onWarning, onRefused, onListenerError } = options;
    this.#base = base;
    this.#options = options;
    this.#baseSnapshot = base.current;
    this.jwtBundles = new LatestValue(base.jwtBundles.current, onListenerError);
    this.#polls = options.endpoints.map((endpoint) => this.#pollOf(endpoint));
    this.#crlFiles = new CrlFiles({
      ...crlFilesDefaults,
      files: options.crlFiles,
      authorities: () => this.#authorities(),
      nowMs: () => clock.nowMs(),
      onChange: () => this.#join(),
      onRefused,
      onListenerError,
    });
    this.#expiry = new CrlExpiryWatch(clock, { onExpired: onWarning, onChange: () => this.#judgeAgain() });
  }

  get status(): IdentityStatus {
    const base = this.#base.status;
    const crls = this.#describeCrls();
    return {
      ...base,
      ...(this.#polls.length === 0 ? {} : { federation: this.#polls.map((poll) => poll.status) }),
      ...(crls.length === 0 ? {} : { crls: { lists: crls, refused: this.#crlFiles.refused } }),
    };
  }

  /** Checked signatures are kept for as long as the snapshot is: a scrape must not cost them each time. */
  #describeCrls(): readonly CrlListStatus[] {
    const { current } = this;
    if (this.#described?.snapshot !== current) {
      this.#described = { snapshot: current, crls: describeCrls(current.bundles.crls.all, this.#authorities()) };
    }
    return this.#described.crls;
  }

  get attempted(): Promise<void> {
    return Promise.all(this.#polls.map((poll) => poll.attempted)).then(() => {});
  }

  async open(): Promise<void> {
    await this.#crlFiles.open();
    this.#join();
    this.#stops.push(this.#base.subscribe((next) => this.#takeBase(next)));
    this.#stops.push(this.#base.jwtBundles.subscribe(() => this.#joinJwt()));
    // What the base published while files were read.
    if (this.#base.current !== this.#baseSnapshot) this.#takeBase(this.#base.current);
    this.#expiry.start(() => this.current.bundles.crls);
    for (const poll of this.#polls) void poll.fetchNow();
  }

  /** Of the base; endpoints are asked too, but a slow partner must not hold up who waits. */
  async refresh(): Promise<void> {
    for (const poll of this.#polls) void poll.fetchNow();
    await Promise.all([this.#base.refresh(), this.#crlFiles.refresh()]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#expiry.close();
    for (const stop of this.#stops) stop();
    await Promise.all([...this.#polls.map((poll) => poll.close()), this.#crlFiles.close(), this.#base.close()]);
  }

  #pollOf(endpoint: BundleEndpoint): EndpointPoll {
    const { timings, clock, random, revocations, onWarning, onListenerError } = this.#options;
    return new EndpointPoll({
      endpoint,
      timings,
      clock,
      random,
      fetch: (one, signal) => {
        const trust = { snapshot: this.current, revocations: revocations.current, nowMs: clock.nowMs() };
        return fetchFrom(one, trust, signal);
      },
      onBundle: () => {
        this.#join();
        this.#joinJwt();
        for (const warning of emptyBundleWarnings(this.current.bundles)) onWarning(warning);
      },
      onFault: onWarning,
      onError: onListenerError,
    });
  }

  /** A file of a bundle that changed is newer than what was fetched before (SPIFFE Federation §4.2). */
  #takeBase(next: IdentitySnapshot): void {
    const before = this.#baseSnapshot;
    this.#baseSnapshot = next;
    for (const poll of this.#polls) {
      const isSame =
        fingerprintsOf(before.bundles.get(poll.trustDomain)) === fingerprintsOf(next.bundles.get(poll.trustDomain));
      if (isSame || !poll.status.hasFile) continue;
      poll.drop();
      void poll.fetchNow();
    }
    this.#join();
    // A list that was refused, or that nobody was known to have signed, may be of a CA that has come.
    if (before.bundles.digest !== next.bundles.digest) void this.#crlFiles.refresh();
  }

  #join(): void {
    if (this.#isClosed) return;
    const { current } = this;
    const base = this.#baseSnapshot;
    const bundles = new BundleSet(this.#bundles(), this.#crls());
    const isSame = bundles.digest === current.bundles.digest && bundles.crls === current.bundles.crls;
    if (isSame && base.svid === current.svid) return;
    this.publish(Object.freeze({ revision: current.revision + 1, svid: base.svid, bundles }));
  }

  /** Each trust domain has one bundle: what was fetched wins over file and agent, never over the own one. */
  #bundles(): readonly TrustBundle[] {
    const { svid, bundles } = this.#baseSnapshot;
    const table = new Map(bundles.bundles.map((bundle) => [bundle.trustDomain.name, bundle]));
    for (const { trustDomain, document } of this.#polls) {
      if (document !== null && !trustDomain.equals(svid.id.trustDomain)) table.set(trustDomain.name, document.x509);
    }
    return [...table.values()];
  }

  /** The very set of now where it says the same: it remembers which CA signed what. */
  #crls(): CrlSet {
    const all = [...this.#crlFiles.current, ...this.#baseSnapshot.bundles.crls.all];
    const known = this.current.bundles.crls;
    if (all.length === 0) return CrlSet.empty;
    const next = new CrlSet(all, this.#options.expiredCrl);
    return next.digest === known.digest && next.expired === known.expired ? known : next;
  }

  #joinJwt(): void {
    if (this.#isClosed) return;
    const own = this.#baseSnapshot.svid.id.trustDomain;
    const table = new Map(this.#base.jwtBundles.current);
    for (const { trustDomain, document } of this.#polls) {
      if (document !== null && !trustDomain.equals(own)) table.set(trustDomain.name, document.jwt);
    }
    this.jwtBundles.publish(table);
  }

  /** Time alone changed what holds: another snapshot makes every open connection be asked about. */
  #judgeAgain(): void {
    this.publish(Object.freeze({ ...this.current, revision: this.current.revision + 1 }));
  }

  #authorities(): readonly CrlSigner[] {
    return this.current.bundles.bundles.flatMap((bundle) => bundle.authorities);
  }
}

function fingerprintsOf(bundle: TrustBundle | undefined): string {
  return bundle?.authorities.map(({ facts }) => facts.fingerprintSha256).join(' ') ?? '';
}
