// The endpoints of one upstream: those that its addresses and names stand for now, and which of them is asked next.
// INVARIANT: never more than `maxPercent` of them are ejected; and where none in rotation is left to try, the ejected are
// asked all the same, since a call that nobody is asked for fails for certain.

import { isIP } from 'node:net';
import { PosternError } from '../../errors.ts';
import type { TimerWheel } from '../../lib/timer-wheel.ts';
import { EndpointHealth, type FailureKind, type HealthState } from './endpoint-health.ts';
import { type Balance, type EjectionOptions, type Place, placeName } from './endpoint-options.ts';
import type { NameSource } from './name-resolver.ts';
import { WatchedName } from './watched-name.ts';

/** What leads to an endpoint: a pool of connections, or a way to make one. */
export interface EndpointLink {
  /** Requests or connections under way. */
  readonly active: number;
  /** The endpoint is no more: what is under way may end. */
  close(): void;
}

/** Hears how requests to an endpoint end. */
export interface EndpointReports {
  answered(status: number): void;
  /** No connection, no answer, or half of one. */
  failed(): void;
}

export interface Endpoint<Link extends EndpointLink> {
  readonly place: Place;
  readonly health: EndpointHealth;
  readonly link: Link;
}

/** What a listener counts of its endpoints. */
export interface EndpointCounters {
  nameFailures: number;
  readonly ejections: { add(reason: FailureKind): void };
}

export interface EndpointSetOptions<Link extends EndpointLink> {
  readonly to: readonly { readonly host: string; readonly port: number }[];
  readonly balance: Balance;
  readonly ejection: EjectionOptions;
  readonly names: NameSource;
  readonly wheel: TimerWheel;
  /** 0 up to but without 1. */
  readonly random: () => number;
  readonly counters: EndpointCounters;
  readonly makeLink: (place: Place, reports: EndpointReports) => Link;
  /** Endpoints came or went, or a name could not be resolved. */
  readonly onChange: () => void;
  readonly onFault: (error: unknown) => void;
}

/** More are not used: every list that is gone through for a request has a bound. */
const mostEndpoints = 256;
const nobody: ReadonlySet<never> = new Set<never>();

export class EndpointSet<Link extends EndpointLink> {
  readonly #options: EndpointSetOptions<Link>;
  readonly #names: ReadonlyMap<string, WatchedName>;
  #all: readonly Endpoint<Link>[] = Object.freeze([]);
  #next: number;
  #isClosed = false;

  constructor(options: EndpointSetOptions<Link>) {
    this.#options = options;
    this.#next = Math.floor(options.random() * mostEndpoints);
    const names = new Set(options.to.filter(({ host }) => isIP(host) === 0).map(({ host }) => host));
    this.#names = new Map([...names].map((name) => [name, this.#watch(name)]));
    this.#rebuild();
  }

  get all(): readonly Endpoint<Link>[] {
    return this.#all;
  }

  /** Why there is no endpoint; null where there is one, or while the first answer is awaited. */
  get fault(): PosternError | null {
    if (this.#all.length > 0) return null;
    const names = [...this.#names.values()];
    const [failed] = names;
    const cause = failed?.error ?? null;
    if (failed === undefined || cause === null || names.some(({ error }) => error === null)) return null;
    const why = (cause as NodeJS.ErrnoException).code ?? cause.message;
    return new PosternError('ERR_OUTBOUND_DNS', `the name \`${failed.name}\` does not resolve: ${why}`, { cause });
  }

  /** Whom to ask now; null where there is nobody, or nobody that is not among `tried`. */
  choose(tried: ReadonlySet<Endpoint<Link>> = nobody): Endpoint<Link> | null {
    const nowMs = this.#options.wheel.nowMs;
    const found = this.#options.balance === 'round_robin' ? this.#inTurn(tried, nowMs) : this.#leastBusy(tried, nowMs);
    return found ?? this.#anyOf(tried);
  }

  /** How many are in each state. */
  states(): Readonly<Record<HealthState, number>> {
    const counts = { in_rotation: 0, slow_start: 0, ejected: 0 };
    for (const { health } of this.#all) counts[health.stateAt(this.#options.wheel.nowMs)]++;
    return counts;
  }

  /** A call finds nobody: names that did not resolve are asked for at once. */
  hurry(): void {
    for (const name of this.#names.values()) if (name.addresses.length === 0) name.hurry();
  }

  /** Asks for no name any more; whoever is there may still be asked. */
  close(): void {
    this.#isClosed = true;
    for (const name of this.#names.values()) name.close();
    for (const { link } of this.#all) link.close();
  }

  #watch(name: string): WatchedName {
    const { names, wheel, random, counters, onChange, onFault } = this.#options;
    return new WatchedName(name, {
      names,
      wheel,
      random,
      onFault,
      onChange: () => {
        this.#rebuild();
        onChange();
      },
      onFailure: () => {
        counters.nameFailures++;
        onChange();
      },
    });
  }

  /** Those that stay keep their connections and what is known of them. */
  #rebuild(): void {
    if (this.#isClosed) return;
    const kept = new Map(this.#all.map((one) => [placeName(one.place), one]));
    const places = this.#options.to.flatMap((one) => this.#placesOf(one)).slice(0, mostEndpoints);
    const next = new Map(places.map((place) => [placeName(place), kept.get(placeName(place)) ?? this.#make(place)]));
    this.#all = Object.freeze([...next.values()]);
    for (const [name, { link }] of kept) if (!next.has(name)) link.close();
  }

  #placesOf({ host, port }: { readonly host: string; readonly port: number }): readonly Place[] {
    const addresses = isIP(host) === 0 ? (this.#names.get(host)?.addresses ?? []) : [host];
    return addresses.map((address) => Object.freeze({ host, port, address }));
  }

  #make(place: Place): Endpoint<Link> {
    const { ejection, random, makeLink } = this.#options;
    const health = new EndpointHealth(ejection, random);
    const link = makeLink(place, {
      answered: (status) => {
        if (health.answered(status)) this.#consider(health, 'gateway_error');
      },
      failed: () => {
        health.failed();
        this.#consider(health, 'failure');
      },
    });
    return Object.freeze({ place, health, link });
  }

  #consider(health: EndpointHealth, reason: FailureKind): void {
    const { wheel, ejection, counters } = this.#options;
    if (!health.isDueAt(wheel.nowMs)) return;
    const most = Math.floor((this.#all.length * ejection.maxPercent) / 100);
    if (this.states().ejected >= most) return;
    health.eject(wheel.nowMs);
    counters.ejections.add(reason);
  }

  /** One in slow start is passed over as often as its share is smaller than that of the others. */
  #inTurn(tried: ReadonlySet<Endpoint<Link>>, nowMs: number): Endpoint<Link> | null {
    const all = this.#all;
    let passedOver: Endpoint<Link> | null = null;
    for (let step = 0; step < all.length; step++) {
      const at = (this.#next + step) % all.length;
      const one = all[at]!;
      const weight = tried.has(one) ? 0 : one.health.weightAt(nowMs);
      if (weight === 0) continue;
      if (weight < 1 && this.#options.random() >= weight) {
        passedOver ??= one;
        continue;
      }
      this.#next = at + 1;
      return one;
    }
    return passedOver;
  }

  /** Among equals each in turn. */
  #leastBusy(tried: ReadonlySet<Endpoint<Link>>, nowMs: number): Endpoint<Link> | null {
    const all = this.#all;
    let best: Endpoint<Link> | null = null;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (let step = 0; step < all.length; step++) {
      const one = all[(this.#next + step) % all.length]!;
      const weight = tried.has(one) ? 0 : one.health.weightAt(nowMs);
      const load = weight === 0 ? Number.POSITIVE_INFINITY : (one.link.active + 1) / weight;
      if (load >= bestLoad) continue;
      best = one;
      bestLoad = load;
    }
    this.#next++;
    return best;
  }

  /** Nobody in rotation is left: the ejected are no worse than no answer. */
  #anyOf(tried: ReadonlySet<Endpoint<Link>>): Endpoint<Link> | null {
    const all = this.#all;
    for (let step = 0; step < all.length; step++) {
      const at = (this.#next + step) % all.length;
      if (tried.has(all[at]!)) continue;
      this.#next = at + 1;
      return all[at]!;
    }
    return null;
  }
}
