// Distinguished names as text for people (RFC 4514), escaped so that they cannot forge a record or a log line.

import { type DerElement, derChildren, derContent, derTag, expectTag } from './der.ts';
import { readObjectId } from './der-values.ts';
import { escapeText } from './shown-text.ts';

const shortNames: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.5', 'serialNumber'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.45', 'x500UniqueIdentifier'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
]);

const bmpString = 0x1e;
const utf8String = 0x0c;

/** Most specific part first, as RFC 4514 §2.1 has it; empty for an empty name. */
export function formatDistinguishedName(name: DerElement): string {
  const parts = derChildren(name, derTag.sequence).map((rdn) => derChildren(rdn, derTag.set).map(formatPart).join('+'));
  return parts.reverse().join(',');
}

function formatPart(attribute: DerElement): string {
  const [type, value] = derChildren(attribute, derTag.sequence);
  const id = readObjectId(expectTag(type, derTag.objectId));
  return `${shortNames.get(id) ?? id}=${value === undefined ? '' : escapeValue(textOf(value))}`;
}

function textOf(value: DerElement): string {
  const bytes = Buffer.from(derContent(value));
  if (value.tag === bmpString)
    return bytes.length % 2 === 0 ? bytes.swap16().toString('utf16le') : bytes.toString('hex');
  return bytes.toString(value.tag === utf8String ? 'utf8' : 'latin1');
}

// escapeText first: it escapes the backslash, so that what is added here stands for itself.
function escapeValue(text: string): string {
  return escapeText(text).replaceAll(/[",+;<>=]/g, (mark) => `\\${mark}`);
}
