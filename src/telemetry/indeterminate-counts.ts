// Counts rules that could not be judged, by policy, rule and attribute. All three are words of the operator's policies;
// the table is bounded all the same.

/** The part of an indeterminate rule that is counted. */
export interface UnjudgedRule {
  readonly policy: string;
  readonly rule: string;
  readonly attributes: readonly string[];
}

/** One counter. */
export interface UnjudgedCount {
  readonly policy: string;
  readonly rule: string;
  readonly attribute: string;
  count: number;
}

const mostCounters = 256;
const overflow: UnjudgedRule = Object.freeze({ policy: 'other', rule: 'other', attributes: ['other'] });

/** The counters of the whole process. */
export class IndeterminateCounts {
  readonly #counts = new Map<string, UnjudgedCount>();

  add(rules: readonly UnjudgedRule[]): void {
    for (const rule of rules) for (const attribute of rule.attributes) this.#add(rule, attribute);
  }

  entries(): Iterable<Readonly<UnjudgedCount>> {
    return this.#counts.values();
  }

  #add(rule: UnjudgedRule, attribute: string): void {
    // A line feed cannot stand in a name of a policy, so no two triples share a key.
    const key = `${rule.policy}\n${rule.rule}\n${attribute}`;
    const found = this.#counts.get(key);
    if (found !== undefined) found.count++;
    else if (this.#counts.size < mostCounters || rule === overflow) {
      this.#counts.set(key, { policy: rule.policy, rule: rule.rule, attribute, count: 1 });
    } else this.#add(overflow, 'other');
  }
}
