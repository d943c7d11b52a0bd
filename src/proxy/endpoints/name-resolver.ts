// From a name to addresses and how long they hold: the hosts file, then DNS with the records' own TTL, then whatever else the
// machine resolves by (search domains, other name services). Called in the background only; no request waits for it.

import { lookup, Resolver } from 'node:dns/promises';
import { addressesOfHostsFile } from './hosts-file.ts';

/** What a name stands for now. */
export interface ResolvedName {
  /** Of one family, sorted, at least one. */
  readonly addresses: readonly string[];
  readonly ttlMs: number;
}

/** What gives addresses to names. */
export interface NameSource {
  /** @throws Error with a `code` of node:dns where the name has no address */
  resolve(name: string): Promise<ResolvedName>;
  /** The last good addresses, whoever asked; none before the first answer. */
  known(name: string): readonly string[];
}

export interface NameResolverOptions {
  readonly hostsFile: string;
  /** An own listener is there: a line of the hosts file that leads programs to it must not lead its calls back to it. */
  readonly isOwn: (address: string) => boolean;
  /** `IP:PORT` of DNS servers in place of the machine's own. */
  readonly servers?: readonly string[];
}

/** Whatever runs on this machine is there, too. */
const sharedAddresses: ReadonlySet<string> = new Set(['127.0.0.1', '::1']);
/** More addresses of one name are not used. */
const mostAddresses = 64;
/** How long an answer holds that says nothing of it: from the hosts file, or from the machine's resolver. */
const assumedTtlMs = 5_000;
/** Time for one try at one server, and tries; milliseconds. */
const queryMs = 2_000;
const queryTries = 2;

/** Names whose last good addresses are kept for whoever asks next: as many as a configuration can have. */
const mostKnown = 6_400;

export class NameResolver implements NameSource {
  readonly #hostsFile: string;
  readonly #isOwn: (address: string) => boolean;
  readonly #resolver = new Resolver({ timeout: queryMs, tries: queryTries });
  readonly #known = new Map<string, readonly string[]>();
  /** The machine's resolver holds a thread of the pool that also writes the journal: never more than one. */
  #lookups: Promise<unknown> = Promise.resolve();

  constructor({ hostsFile, isOwn, servers }: NameResolverOptions) {
    this.#hostsFile = hostsFile;
    this.#isOwn = isOwn;
    if (servers !== undefined) this.#resolver.setServers([...servers]);
  }

  async resolve(name: string): Promise<ResolvedName> {
    const found = await this.#resolve(name);
    this.#known.delete(name);
    this.#known.set(name, found.addresses);
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest);
    return found;
  }

  known(name: string): readonly string[] {
    return this.#known.get(name) ?? [];
  }

  /** Gives up what is being asked. */
  close(): void {
    this.#resolver.cancel();
  }

  async #resolve(name: string): Promise<ResolvedName> {
    const local = this.#others(await addressesOfHostsFile(this.#hostsFile, name));
    if (local.length > 0) return resolved(local, assumedTtlMs);
    // RFC 6761 §6.3: these names are this machine, whoever says otherwise.
    if (name === 'localhost' || name.endsWith('.localhost')) return resolved(['127.0.0.1'], assumedTtlMs);
    // DNS has no search domains, and a name without a dot is nothing without them.
    if (!name.includes('.')) return this.#lookup(name);
    try {
      return await this.#query(name);
    } catch (error) {
      if (isSilence(error)) throw error;
      return this.#lookup(name);
    }
  }

  async #query(name: string): Promise<ResolvedName> {
    const found = await this.#resolver.resolve4(name, { ttl: true }).catch((error: unknown) => {
      if (isSilence(error)) throw error;
      return this.#resolver.resolve6(name, { ttl: true });
    });
    const ttlMs = Math.min(...found.map(({ ttl }) => ttl)) * 1_000;
    return resolved(
      found.map(({ address }) => address),
      ttlMs,
    );
  }

  #lookup(name: string): Promise<ResolvedName> {
    const turn = this.#lookups.then(() => lookup(name, { all: true }));
    this.#lookups = turn.catch(() => {});
    return turn.then((found) => {
      const addresses = this.#others(found.map(({ address }) => address));
      if (addresses.length === 0) throw new Error('only the hosts file knows it, as the address of an own listener');
      return resolved(addresses, assumedTtlMs);
    });
  }

  #others(addresses: readonly string[]): readonly string[] {
    return addresses.filter((address) => sharedAddresses.has(address) || !this.#isOwn(address));
  }
}

/** Nobody answered: the machine's resolver asks the same servers, and would hold its thread for as long. */
function isSilence(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ETIMEOUT' || code === 'ECANCELLED' || code === 'EDESTRUCTION';
}

/** IPv4 where there is any: two addresses of one server are not two servers, and not every network has IPv6. */
function resolved(addresses: readonly string[], ttlMs: number): ResolvedName {
  const four = addresses.filter((address) => !address.includes(':'));
  const family = four.length > 0 ? four : addresses;
  return Object.freeze({ addresses: Object.freeze([...new Set(family)].sort().slice(0, mostAddresses)), ttlMs });
}
