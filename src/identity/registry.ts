// The registry of identities (config: inventory.registry): what the operator knows of an identity that its certificate does
// not say. A row for the very ID counts before patterns, and of patterns the first in the file; rows are never merged.

import { type Glob, matchesGlob } from '../lib/glob.ts';
import type { IdentityAttributes, ReadAttributes } from './attributes.ts';
import type { SpiffeId } from './spiffe-id.ts';

/** One row; undefined is not said. Frozen. */
export interface RegistryEntry {
  /** The pattern, or the ID itself. */
  readonly glob: Glob;
  readonly owner: string | undefined;
  readonly purpose: string | undefined;
  readonly namespace: string | undefined;
  readonly serviceAccount: string | undefined;
  readonly environment: string | undefined;
  readonly attestation: string | undefined;
  /** As policy sees them: those of the row, with `owner` and `purpose`. */
  readonly labels: ReadonlyMap<string, string>;
}

interface Ranked {
  readonly rank: number;
  readonly entry: RegistryEntry;
}

/** All rows, found by ID. Immutable. */
export class IdentityRegistry {
  static readonly empty = new IdentityRegistry([]);
  readonly entries: readonly RegistryEntry[];
  readonly #exact = new Map<string, RegistryEntry>();
  /** Patterns by the whole segments before their first wildcard: thousands of them cost a look-up for each segment. */
  readonly #patterns = new Map<string, Ranked[]>();

  constructor(entries: readonly RegistryEntry[]) {
    this.entries = entries;
    for (const [rank, entry] of entries.entries()) {
      if (entry.glob.literal !== null) this.#exact.set(entry.glob.literal, entry);
      else this.#addPattern({ rank, entry });
    }
  }

  get size(): number {
    return this.entries.length;
  }

  /** The row that speaks of an identity; null: there is none. */
  find(id: SpiffeId): RegistryEntry | null {
    if (this.size === 0) return null;
    const text = id.toString();
    return this.#exact.get(text) ?? this.#findPattern(text);
  }

  #findPattern(text: string): RegistryEntry | null {
    let found: Ranked | null = null;
    for (let end = text.indexOf('/'); end >= 0; end = text.indexOf('/', end + 1)) {
      for (const one of this.#patterns.get(text.slice(0, end)) ?? []) {
        if (found !== null && found.rank < one.rank) break;
        if (matchesGlob(one.entry.glob, text)) found = one;
      }
    }
    return found?.entry ?? null;
  }

  #addPattern(ranked: Ranked): void {
    const prefix = literalPrefix(ranked.entry.glob);
    const known = this.#patterns.get(prefix);
    if (known === undefined) this.#patterns.set(prefix, [ranked]);
    else known.push(ranked);
  }
}

function literalPrefix({ segments }: Glob): string {
  const texts: string[] = [];
  for (const segment of segments) {
    if (segment.kind !== 'pieces' || segment.pieces.length > 1) break;
    texts.push(segment.pieces[0]!);
  }
  return texts.join('/');
}

/** What rules draw from an ID, and over it what the registry says: each attribute that its row gives wins. */
export function withRegistry(drawn: ReadAttributes, registry: IdentityRegistry): ReadAttributes {
  return (id) => {
    const entry = registry.find(id);
    return entry === null ? drawn(id) : joined(drawn(id), entry);
  };
}

function joined(drawn: IdentityAttributes, entry: RegistryEntry): IdentityAttributes {
  return Object.freeze({
    namespace: entry.namespace ?? drawn.namespace,
    serviceAccount: entry.serviceAccount ?? drawn.serviceAccount,
    environment: entry.environment ?? drawn.environment,
    attestation: entry.attestation ?? drawn.attestation,
    labels: new Map([...drawn.labels, ...entry.labels]),
  });
}
