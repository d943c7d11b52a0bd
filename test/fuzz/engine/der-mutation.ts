// Changes to DER that keep its frame whole: an element is dropped, doubled, moved or changed, and every length around it is
// written anew, so that what is changed is read and not refused for its length.

import type { SeededRandom } from './seeded-random.ts';

interface Element {
  tag: number;
  /** Of a constructed element, and of an octet string that holds elements, as extensions do. */
  children: Element[] | null;
  content: string;
}

const octetString = 0x04;
const constructed = 0x20;
const tags = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1f, 0x30, 0x31, 0x80, 0x82, 0x86, 0xa0, 0xa3,
];

/** One to three changes; the input itself where it is no DER. */
export function mutateDer(input: string, random: SeededRandom, tokens: readonly string[]): string {
  const elements = read(input);
  if (elements === null || elements.length === 0) return input;
  for (let times = random.below(3); times >= 0; times--) change(elements, random, tokens);
  return elements.map(write).join('');
}

function change(elements: Element[], random: SeededRandom, tokens: readonly string[]): void {
  const lists = listsOf(elements);
  const list = random.pick(lists);
  if (list.length === 0) return;
  const at = random.below(list.length);
  const element = list[at]!;
  switch (random.below(7)) {
    case 0:
      list.splice(at, 1);
      break;
    case 1:
      list.splice(random.below(list.length + 1), 0, structuredClone(element));
      break;
    case 2:
      element.tag = random.oneIn(2) ? random.pick(tags) : element.tag ^ (1 << random.below(8));
      break;
    case 3:
      list[at] = structuredClone(random.pick(random.pick(lists.filter((other) => other.length > 0))));
      break;
    default:
      changeContent(element, random, tokens);
  }
}

function changeContent(element: Element, random: SeededRandom, tokens: readonly string[]): void {
  const content = element.children === null ? element.content : element.children.map(write).join('');
  const at = random.below(content.length + 1);
  const added = random.oneIn(2) ? random.pick(tokens) : String.fromCharCode(random.below(256));
  element.content = content.slice(0, at) + added + content.slice(at + random.below(3));
  element.children = null;
}

function listsOf(elements: Element[]): Element[][] {
  return [elements, ...elements.flatMap(({ children }) => (children === null ? [] : listsOf(children)))];
}

function read(text: string): Element[] | null {
  const elements: Element[] = [];
  for (let at = 0; at < text.length; ) {
    const tag = text.charCodeAt(at);
    const first = text.charCodeAt(at + 1);
    const size = first < 0x80 ? 0 : first & 0x7f;
    let length = size === 0 ? first : 0;
    for (let i = 0; i < size; i++) length = length * 256 + text.charCodeAt(at + 2 + i);
    const start = at + 2 + size;
    // Also ends where a length was NaN: the text stopped within it.
    if (!(start + length <= text.length) || size > 3) return null;
    const content = text.slice(start, start + length);
    const holds = (tag & constructed) !== 0 || (tag === octetString && content !== '');
    elements.push({ tag, content, children: holds ? read(content) : null });
    at = start + length;
  }
  return elements;
}

function write(element: Element): string {
  const content = element.children === null ? element.content : element.children.map(write).join('');
  return String.fromCharCode(element.tag) + lengthField(content.length) + content;
}

function lengthField(length: number): string {
  if (length < 0x80) return String.fromCharCode(length);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest >>= 8) octets.unshift(rest & 0xff);
  return String.fromCharCode(0x80 | octets.length, ...octets);
}
