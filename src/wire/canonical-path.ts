// The one form of a path that is decided on and forwarded. What can be read in two ways is refused: every peer was once
// tricked by a path that its policy and its workload read differently (wire.md "Known ways past").

import { PosternError } from '../errors.ts';
import { isHexOctet, isPathOctet, isUnreservedOctet } from './octets.ts';
import { shownBytes } from './wire-fault.ts';

const slash = 0x2f;
const backslash = 0x5c;
const dot = 0x2e;
const percent = 0x25;
const semicolon = 0x3b;

/**
 * The canonical form; the same string object when nothing changes.
 * @throws PosternError ERR_WIRE_PATH_REFUSED for a path without a safe form
 */
export function canonicalizePath(rawPath: string): string {
  if (rawPath.charCodeAt(0) !== slash) throw refuse(rawPath, 'does not start with `/`');
  if (isCanonicalAtSight(rawPath)) return rawPath;
  const decoded = decodePath(rawPath);
  // Looked for in what was decoded, so that `%25%32%66` is found like `%252f`.
  if (/%25[0-9A-Fa-f]{2}/.test(decoded)) throw refuse(rawPath, 'is encoded twice');
  const canonical = joinSegments(rawPath, decoded.split('/'));
  return canonical === rawPath ? rawPath : canonical;
}

/** One scan without allocation; false sends the path the long way, it does not condemn it. */
function isCanonicalAtSight(path: string): boolean {
  let previous = 0;
  for (let at = 0; at < path.length; at++) {
    const octet = path.charCodeAt(at);
    if (!isPathOctet(octet) || octet === percent) return false;
    if (previous === slash && (octet === slash || octet === dot || octet === semicolon)) return false;
    previous = octet;
  }
  return true;
}

function refuse(path: string, why: string): PosternError {
  return new PosternError('ERR_WIRE_PATH_REFUSED', `path ${shownBytes(path)} ${why}`);
}

/** Turns `\` into `/`, decodes what needs no encoding, and writes the rest of the escapes in upper case. */
function decodePath(path: string): string {
  let out = '';
  let at = 0;
  while (at < path.length) {
    const octet = path.charCodeAt(at);
    if (octet === percent) {
      const length = escapeLength(path, at);
      out += decodeEscape(path, at);
      at += length;
      continue;
    }
    if (octet === backslash) out += '/';
    else if (isPathOctet(octet)) out += path[at];
    else throw refuse(path, 'has an octet that a path cannot hold');
    at++;
  }
  return out;
}

/** Characters of the escape, or of the whole UTF-8 sequence of escapes, at `at`. */
function escapeLength(path: string, at: number): number {
  return 3 * utf8Length(path, at);
}

function decodeEscape(path: string, at: number): string {
  const octet = escapedOctet(path, at);
  if (octet >= 0x80) return decodeSequence(path, at);
  if (isUnreservedOctet(octet)) return String.fromCharCode(octet);
  if (octet === slash || octet === backslash) throw refuse(path, 'has an encoded separator');
  if (octet < 0x20 || octet === 0x7f) throw refuse(path, 'has an encoded control octet');
  return `%${path.slice(at + 1, at + 3).toUpperCase()}`;
}

function escapedOctet(path: string, at: number): number {
  if (path.charCodeAt(at) !== percent || !isHexOctet(path.charCodeAt(at + 1)) || !isHexOctet(path.charCodeAt(at + 2))) {
    throw refuse(path, 'has a bad percent escape');
  }
  return Number.parseInt(path.slice(at + 1, at + 3), 16);
}

function utf8Length(path: string, at: number): number {
  const lead = escapedOctet(path, at);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  throw refuse(path, 'has an escape that is not UTF-8');
}

/** Well-formed UTF-8 only (RFC 3629 §4): an overlong form such as `%c0%ae` would hide a dot. */
function decodeSequence(path: string, at: number): string {
  const length = utf8Length(path, at);
  const octets = Array.from({ length }, (_, index) => escapedOctet(path, at + 3 * index));
  try {
    strictUtf8.decode(Uint8Array.from(octets));
  } catch {
    throw refuse(path, 'has an escape that is not UTF-8');
  }
  return path.slice(at, at + 3 * length).toUpperCase();
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Removes empty and dot segments. Refused: a dot segment that climbs above the root, that hides behind a parameter, or that
 * would take back an empty one: `/a//..` is `/a/` where dots are resolved first (RFC 3986 §5.2.4), `/` where slashes are merged.
 */
function joinSegments(path: string, segments: readonly string[]): string {
  const kept: string[] = [];
  const last = segments.length - 1;
  let endsInFolder = false;
  for (let at = 1; at <= last; at++) {
    const segment = segments[at]!;
    endsInFolder = segment === '' || segment === '.' || segment === '..';
    if (segment === '.') continue;
    if (segment === '..') {
      const left = kept.pop();
      if (left === undefined) throw refuse(path, 'climbs above the root');
      if (left === '') throw refuse(path, 'climbs out of an empty segment');
      continue;
    }
    if (isDotsWithParameter(segment)) throw refuse(path, 'has a dot segment with a parameter');
    kept.push(segment);
  }
  const named = kept.filter((segment) => segment !== '');
  if (named.length === 0) return '/';
  return `/${named.join('/')}${endsInFolder ? '/' : ''}`;
}

/** `..;x`, `.;x` and `;x`, also with the semicolon encoded: some workloads cut parameters off before they resolve dots. */
function isDotsWithParameter(segment: string): boolean {
  const plain = segment.search(/;|%3B/);
  if (plain < 0) return false;
  const name = segment.slice(0, plain);
  return name === '.' || name === '..' || name === '';
}
