// The names in a subject alternative name (RFC 5280 §4.2.1.6), each by its own tag and bytes.

import { type DerElement, derChildren, derContent, malformed } from './der.ts';

export type GeneralNameKind = 'other' | 'email' | 'dns' | 'x400' | 'directory' | 'edi' | 'uri' | 'ip' | 'registered';

/** One name. `text` is one character a byte for the text kinds, lower-case hex for the others. */
export interface GeneralName {
  readonly kind: GeneralNameKind;
  readonly text: string;
}

const kinds: ReadonlyMap<number, GeneralNameKind> = new Map([
  [0xa0, 'other'],
  [0x81, 'email'],
  [0x82, 'dns'],
  [0xa3, 'x400'],
  [0xa4, 'directory'],
  [0xa5, 'edi'],
  [0x86, 'uri'],
  [0x87, 'ip'],
  [0x88, 'registered'],
]);

/** The names of one constructed element, whatever its own tag. */
export function readGeneralNames(list: DerElement): readonly GeneralName[] {
  return Object.freeze(derChildren(list).map(readGeneralName));
}

/** One name by its context tag. */
export function readGeneralName(element: DerElement): GeneralName {
  const kind = kinds.get(element.tag);
  if (kind === undefined) throw malformed('a name is of an unknown kind');
  // latin1, not UTF-8: every byte stays visible as itself, so that no invalid sequence is silently replaced.
  const isText = kind === 'uri' || kind === 'dns' || kind === 'email';
  return Object.freeze({ kind, text: Buffer.from(derContent(element)).toString(isText ? 'latin1' : 'hex') });
}
