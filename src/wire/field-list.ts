// HOT PATH (npm run bench). The fields of a message in the order and spelling they came, as three parallel arrays:
// a header object per field costs more than the parse.

/** Field lines of one message head or trailer section. */
export class FieldList {
  /** Names as they were spelt. */
  readonly names: string[] = [];
  /** Names in lower case, for comparison. */
  readonly keys: string[] = [];
  /** Values without surrounding whitespace, one latin1 character a byte. */
  readonly values: string[] = [];

  get length(): number {
    return this.keys.length;
  }

  push(name: string, key: string, value: string): void {
    this.names.push(name);
    this.keys.push(key);
    this.values.push(value);
  }

  /** The first value of a field by its lower-case name. */
  get(key: string): string | undefined {
    const at = this.keys.indexOf(key);
    return at < 0 ? undefined : this.values[at];
  }

  /** The value of a field that was sent exactly once: one sent twice names nothing reliably. */
  getSingle(key: string): string | undefined {
    const { keys } = this;
    let found = -1;
    for (let at = 0; at < keys.length; at++) {
      if (keys[at] !== key) continue;
      if (found >= 0) return undefined;
      found = at;
    }
    return found < 0 ? undefined : this.values[found];
  }

  /** Every value of a field, in order. */
  getAll(key: string): string[] {
    return this.values.filter((_, at) => this.keys[at] === key);
  }
}
