// Changes to an input, held as text of one character an octet: those of any fuzzer, and those that trick HTTP readers –
// line ends, doubled and moved lines, numbers about a limit, tokens where none belongs, one input grafted on another.

import type { SeededRandom } from './seeded-random.ts';

/** What changes are made of. */
export interface MutationSource {
  readonly random: SeededRandom;
  /** Tokens that mean something to the target. */
  readonly dictionary: readonly string[];
  /** Another input, to graft from. */
  readonly other: () => string;
}

type Mutator = (input: string, source: MutationSource) => string;

/** Inputs longer than this only make a run slow. */
const longestInput = 8 * 1024;

const lineEnds = ['\r\n', '\n', '\r', '\r\r\n', '\n\r', '\r\n\r\n', '\r\n ', '\r\n\t', '\0', '\v', '\f', '\x85'];
const numbers = [
  '0',
  '00',
  '1',
  '-1',
  '+1',
  '7',
  '10',
  '0x10',
  '1e1',
  '1.0',
  '65535',
  '65536',
  '999999999999999',
].concat([
  '1000000000000000',
  '9007199254740993',
  '18446744073709551616',
  '7fffffff',
  'ffffffff',
  'fffffffffffff',
  '1_0',
  ' 1',
]);
const octets = ['\0', '\t', ' ', '!', '"', '%', ',', '/', ':', ';', '=', '\\', '_', '\x7f', '\x80', '\xa0', '\xff'];

const mutators: readonly Mutator[] = [
  setOctet,
  flipBit,
  insertOctet,
  cutOut,
  repeatPart,
  insertToken,
  insertLine,
  replaceByToken,
  graft,
  appendOther,
  changeLineEnd,
  doubleLine,
  swapLines,
  changeNumber,
  changeCase,
];

/** One to five changes, one after the other. */
export function mutate(input: string, source: MutationSource): string {
  let text = input;
  for (let times = source.random.below(5); times >= 0; times--) text = source.random.pick(mutators)(text, source);
  return text.length > longestInput ? text.slice(0, longestInput) : text;
}

function splice(input: string, at: number, cut: number, added: string): string {
  return input.slice(0, at) + added + input.slice(at + cut);
}

function setOctet(input: string, { random }: MutationSource): string {
  return splice(input, random.below(input.length), 1, String.fromCharCode(random.below(256)));
}

function flipBit(input: string, { random }: MutationSource): string {
  const at = random.below(input.length);
  return splice(input, at, 1, String.fromCharCode((input.charCodeAt(at) || 0) ^ (1 << random.below(8))));
}

function insertOctet(input: string, { random }: MutationSource): string {
  return splice(input, random.below(input.length + 1), 0, random.pick(octets));
}

function cutOut(input: string, { random }: MutationSource): string {
  return splice(input, random.below(input.length), 1 + random.below(random.pick([2, 8, 64])), '');
}

function repeatPart(input: string, { random }: MutationSource): string {
  const at = random.below(input.length);
  const part = input.slice(at, at + 1 + random.below(random.pick([2, 8, 64])));
  return splice(input, at, 0, part.repeat(random.pick([1, 1, 1, 2, 16])));
}

function insertToken(input: string, { random, dictionary }: MutationSource): string {
  return splice(input, random.below(input.length + 1), 0, random.pick(dictionary));
}

/** A token where a line begins, as a line of its own. */
function insertLine(input: string, { random, dictionary }: MutationSource): string {
  const token = random.pick(dictionary);
  const ends = [...input.matchAll(/\r\n/g)];
  const at = ends.length === 0 ? 0 : random.pick(ends).index + 2;
  return splice(input, at, 0, token.endsWith('\r\n') ? token : `${token}\r\n`);
}

function replaceByToken(input: string, { random, dictionary }: MutationSource): string {
  const token = random.pick(dictionary);
  return splice(input, random.below(input.length + 1), random.pick([1, token.length, 12]), token);
}

function graft(input: string, { random, other }: MutationSource): string {
  const from = other();
  const start = random.below(from.length);
  const part = from.slice(start, start + 1 + random.below(random.pick([4, 32, 256])));
  return splice(input, random.below(input.length + 1), random.pick([0, part.length]), part);
}

function appendOther(input: string, { other }: MutationSource): string {
  return input + other();
}

/** A line end anywhere becomes another one; without one, one is put in. */
function changeLineEnd(input: string, { random }: MutationSource): string {
  const ends = [...input.matchAll(/\r?\n|\r/g)];
  const end = ends.length === 0 ? undefined : random.pick(ends);
  return splice(input, end?.index ?? random.below(input.length + 1), end?.[0].length ?? 0, random.pick(lineEnds));
}

function doubleLine(input: string, { random }: MutationSource): string {
  const lines = input.split('\r\n');
  const at = random.below(lines.length);
  lines.splice(random.below(lines.length + 1), 0, lines[at]!);
  return lines.join('\r\n');
}

function swapLines(input: string, { random }: MutationSource): string {
  const lines = input.split('\r\n');
  const [one, two] = [random.below(lines.length), random.below(lines.length)];
  [lines[one], lines[two]] = [lines[two]!, lines[one]!];
  return lines.join('\r\n');
}

function changeNumber(input: string, { random }: MutationSource): string {
  const found = [...input.matchAll(/[0-9]+/g)];
  if (found.length === 0) return input + random.pick(numbers);
  const number = random.pick(found);
  const near = String(Number(number[0]) + random.pick([-1, 1, 2]));
  return splice(input, number.index, number[0].length, random.pick([...numbers, near, near, `0${number[0]}`]));
}

function changeCase(input: string, { random }: MutationSource): string {
  const letters = [...input.matchAll(/[a-zA-Z]/g)];
  if (letters.length === 0) return input;
  const { index } = random.pick(letters);
  return splice(input, index, 1, String.fromCharCode(input.charCodeAt(index) ^ 0x20));
}
