// HOT PATH (bench/policy.bench.ts). Finds what is written for a SPIFFE ID among patterns, by segments. It may find too
// much, never too little: whoever asks tests the pattern itself.

import type { Glob, GlobSegment } from '../lib/glob.ts';

interface Node<T> {
  readonly literal: Map<string, Node<T>>;
  wild: Node<T> | null;
  /** Of patterns that end here. */
  readonly here: T[];
  /** Of patterns that go on with `**`. */
  readonly below: T[];
}

export class PrincipalTrie<T> {
  readonly #root: Node<T> = emptyNode();
  readonly #all = new Set<T>();

  /** Everything, for a principal whose SPIFFE ID is not known. */
  get all(): ReadonlySet<T> {
    return this.#all;
  }

  add(pattern: Glob, item: T): void {
    this.#all.add(item);
    let node = this.#root;
    for (const segment of pattern.segments) {
      if (segment.kind === 'deep') {
        node.below.push(item);
        return;
      }
      node = child(node, segment);
    }
    node.here.push(item);
  }

  /** What may be meant for the SPIFFE ID, each once. */
  find(spiffeId: string): ReadonlySet<T> {
    const found = new Set<T>();
    this.#walk(this.#root, { segments: spiffeId.split('/'), found }, 0);
    return found;
  }

  #walk(node: Node<T>, search: { readonly segments: readonly string[]; readonly found: Set<T> }, at: number): void {
    const { segments, found } = search;
    for (const item of node.below) found.add(item);
    if (at === segments.length) {
      for (const item of node.here) found.add(item);
      return;
    }
    const next = node.literal.get(segments[at]!);
    if (next !== undefined) this.#walk(next, search, at + 1);
    if (node.wild !== null) this.#walk(node.wild, search, at + 1);
  }
}

function emptyNode<T>(): Node<T> {
  return { literal: new Map(), wild: null, here: [], below: [] };
}

function child<T>(node: Node<T>, segment: GlobSegment): Node<T> {
  const literal = segment.kind === 'pieces' && segment.pieces.length === 1 ? segment.pieces[0]! : null;
  if (literal === null) {
    node.wild ??= emptyNode();
    return node.wild;
  }
  const found = node.literal.get(literal) ?? emptyNode<T>();
  node.literal.set(literal, found);
  return found;
}
