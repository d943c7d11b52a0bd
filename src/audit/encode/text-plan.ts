// Writes nested JSON out of dotted targets without building it first: each place has a number and its value is kept as
// text; the whole is put together along a plan that is made once.

import { asciiEscaped } from '../record-text.ts';
import { parseTarget } from './target-object.ts';

interface Place {
  readonly members: Map<string, Place>;
  index: number;
  isList: boolean;
}

interface Member {
  /** Before the value where it is the first of its object, and where it is not. */
  readonly first: string;
  readonly next: string;
  readonly end: string;
  /** -1 for an object. */
  readonly index: number;
  readonly members: readonly Member[];
}

/** The name of a place that takes members of its object as they are, such as `"a":1,"b":2`. */
const asTheyAre = '*';

/** An object of which the places are known beforehand; it is written in the order in which they were named. */
export class TextPlan {
  readonly #root: Place = { members: new Map(), index: -1, isList: false };
  #count = 0;
  #members: readonly Member[] | null = null;

  /**
   * The number of a place: `a.b`, `list[]` of which the value is the inside of a list, or `a.*` for ready members.
   * @throws TypeError where it lies in, or around, another
   */
  place(name: string): number {
    const { segments, isAdded } = parseTarget(name);
    let place = this.#root;
    for (const segment of segments) {
      if (place.index >= 0) throw new TypeError(`${name} lies in a value`);
      const next = place.members.get(segment) ?? { members: new Map<string, Place>(), index: -1, isList: false };
      place.members.set(segment, next);
      place = next;
    }
    if (place.members.size > 0) throw new TypeError(`${name} is an object`);
    if (place.index < 0) place.index = this.#count++;
    place.isList = isAdded;
    this.#members = null;
    return place.index;
  }

  /** A text for each place: none has anything yet. */
  noValues(): string[] {
    return new Array<string>(this.#count).fill('');
  }

  /** The object of what has a value; '' where nothing has. */
  write(values: readonly string[]): string {
    this.#members ??= compile(this.#root);
    return asciiEscaped(textOf(this.#members, values));
  }
}

function compile({ members }: Place): readonly Member[] {
  return [...members].map(([name, inner]) => {
    const before = name === asTheyAre ? '' : `${JSON.stringify(name)}:${inner.isList ? '[' : ''}`;
    const end = inner.isList ? ']' : '';
    return { first: `{${before}`, next: `,${before}`, end, index: inner.index, members: compile(inner) };
  });
}

function textOf(members: readonly Member[], values: readonly string[]): string {
  let text = '';
  for (const { first, next, end, index, members: inner } of members) {
    const value = index < 0 ? textOf(inner, values) : values[index]!;
    if (value !== '') text += (text === '' ? first : next) + value + end;
  }
  return text === '' ? '' : `${text}}`;
}
