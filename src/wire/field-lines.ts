// HOT PATH (npm run bench). Field lines of heads and trailers (RFC 9110 §5, RFC 9112 §5), in one pass over the text:
// strict, since each tolerance is a way for two readers to see two messages.

import { FieldList } from './field-list.ts';
import { type KnownName, knownName } from './field-names.ts';
import { isFieldValue, isToken, octetClasses } from './octets.ts';
import { shownBytes, WireFault } from './wire-fault.ts';

const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const colon = 0x3a;

/** Parses the lines from `from` to the end of `text`, each with its CRLF; a fault in place of an exception. */
export function parseFieldLines(text: string, from: number, fieldCount: number): FieldList | WireFault {
  const fields = new FieldList();
  let at = from;
  while (at < text.length) {
    if (fields.length >= fieldCount) {
      return new WireFault('ERR_WIRE_HEAD_TOO_LARGE', `more than ${fieldCount} field lines`, 431);
    }
    const nameEnd = skipName(text, at);
    // A space before the colon and obs-fold (a line that begins with one) end here too: neither is part of a token.
    if (nameEnd === at || text.charCodeAt(nameEnd) !== colon) return badName(text, at, nameEnd);
    const known = knownName(text, at, nameEnd) ?? newName(text.slice(at, nameEnd));
    const start = skipBlank(text, nameEnd + 1);
    const end = skipValue(text, start);
    if (text.charCodeAt(end) !== carriageReturn || text.charCodeAt(end + 1) !== lineFeed) {
      return badValue(known.name, text.charCodeAt(end));
    }
    fields.push(known.name, known.key, text.slice(start, valueEnd(text, start, end)));
    at = end + 2;
  }
  return fields;
}

function newName(name: string): KnownName {
  return { name, key: name.toLowerCase() };
}

/** Without spaces and tabs around it; `String.trim` would also take octet 0xA0. */
export function withoutBlanks(text: string): string {
  const start = skipBlank(text, 0);
  return text.slice(start, valueEnd(text, start, text.length));
}

// The loops stop at the CRLF of the last line at the latest: CR is in neither class.

function skipName(text: string, from: number): number {
  let at = from;
  while ((octetClasses[text.charCodeAt(at)]! & isToken) !== 0) at++;
  return at;
}

function skipValue(text: string, from: number): number {
  let at = from;
  while ((octetClasses[text.charCodeAt(at)]! & isFieldValue) !== 0) at++;
  return at;
}

function skipBlank(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === space || text.charCodeAt(at) === tab) at++;
  return at;
}

function valueEnd(text: string, start: number, end: number): number {
  let to = end;
  while (to > start && (text.charCodeAt(to - 1) === space || text.charCodeAt(to - 1) === tab)) to--;
  return to;
}

// Values stay out of messages: they may be secrets.

function badName(text: string, start: number, end: number): WireFault {
  const shown = shownBytes(text.slice(start, end + 1));
  return new WireFault('ERR_WIRE_FIELD_INVALID', `field line that does not begin with a name and a colon: ${shown}`);
}

function badValue(name: string, octet: number): WireFault {
  const shown = shownBytes(String.fromCharCode(octet));
  return new WireFault('ERR_WIRE_FIELD_INVALID', `field ${shownBytes(name)} holds the octet ${shown}`);
}
