// HOT PATH (npm run bench). Counts by the value of one label, bounded: label values are closed lists, and should one ever
// not be, the rest is counted as `other` rather than filling memory and the metrics store.

/** Most values of one label that are told apart. */
const mostLabels = 64;
const overflow = 'other';

interface Cell {
  count: number;
}

/** A bounded table of counters. */
export class LabelCounts {
  readonly #cells = new Map<string, Cell>();

  /** `known` values are exported from the start, as 0: a rate over a counter that appears late misses its first events. */
  constructor(known: readonly string[] = []) {
    for (const label of known) this.#cells.set(label, { count: 0 });
  }

  add(label: string): void {
    const cell = this.#cells.get(label);
    if (cell === undefined) this.#first(label);
    else cell.count++;
  }

  get(label: string): number {
    return this.#cells.get(label)?.count ?? 0;
  }

  *entries(): Generator<readonly [label: string, count: number]> {
    for (const [label, cell] of this.#cells) yield [label, cell.count];
  }

  #first(label: string): void {
    const name = this.#cells.size < mostLabels ? label : overflow;
    const cell = this.#cells.get(name);
    if (cell === undefined) this.#cells.set(name, { count: 1 });
    else cell.count++;
  }
}
