// Common Event Format: `CEF:0|vendor|product|version|signature|name|severity|extension` (CEF guide, versions 25 and 26).

import { isIPv4, isIPv6 } from 'node:net';
import { cleanText } from '../record-text.ts';
import { objectOf } from '../service-parse.ts';
import { compileFields, type FieldValue, type RecordMembers } from './field-tree.ts';
import { classify } from './record-class.ts';

const walk = compileFields('cef');

/** Labels of the keys that have no name of their own. */
const labels: Readonly<Record<string, string>> = Object.freeze({
  cs1: 'workloadId',
  cs2: 'rule',
  cs3: 'traceId',
  cs4: 'sourceEnvironment',
  cs5: 'credentialIssuer',
  cs6: 'requestId',
  cn1: 'evalMicros',
  cn2: 'sequence',
  flexString1: 'shadowDecision',
  flexString2: 'action',
  c6a2: 'sourceIPv6',
  c6a3: 'destinationIPv6',
});

/** Most characters of a key's value, by the guide; the full identity stands in cs1. */
const longest: Readonly<Record<string, number>> = Object.freeze({
  act: 63,
  app: 31,
  deviceExternalId: 255,
  dvchost: 100,
  externalId: 40,
  sntdom: 255,
  cs1: 4000,
});
const longestValue = 1023;

/** A record as CEF, without a line end; null for what CEF has no use for. */
export function encodeCef(record: RecordMembers): string | null {
  const kind = classify(record);
  if (kind === null) return null;
  const version = objectOf(record['proxy'])?.['version'];
  const head = [
    'CEF:0',
    'Postern',
    'Postern',
    typeof version === 'string' ? cleanText(version, 31) : '',
    String(kind.signature),
  ];
  const header = [...head, kind.name, String(kind.cefSeverity)].map(escapeHeader).join('|');
  const pairs = [pair('cat', 'authorization'), pair('outcome', kind.outcome), pair('proto', 'TCP')];
  walk(record, (target, value) => pairs.push(...pairsOf(target.name, value)));
  return `${header}|${pairs.join(' ')}`;
}

/** A key and its value; null for what CEF cannot hold. */
type Converted = readonly [key: string, text: string] | null;

/** One key and its value, and its label where it needs one. */
function pairsOf(target: string, value: FieldValue): readonly string[] {
  const converted = convert(target, value);
  if (converted === null) return [];
  const [key, text] = converted;
  const label = labels[key];
  return label === undefined ? [pair(key, text)] : [pair(key, text), pair(`${key}Label`, label)];
}

function convert(target: string, value: FieldValue): Converted {
  const text = String(value);
  switch (target) {
    case 'rt':
      return [target, String(Date.parse(text))];
    case 'src':
    case 'dst':
      return addressPair(target, text);
    case 'spt':
    case 'dpt':
      return Number(text) >= 0 && Number(text) <= 65_535 ? [target, text] : null;
    case 'deviceDirection':
      return [target, text === 'outbound' ? '1' : '0'];
    case 'app':
      return [target, text.toUpperCase()];
    case 'cn1':
      return [target, String(Math.round(Number(value) / 1000))];
    default:
      return [target, text];
  }
}

/** IPv6 has keys of its own; a zone (`fe80::1%eth0`) says nothing elsewhere. */
function addressPair(target: 'src' | 'dst', address: string): Converted {
  if (isIPv4(address)) return [target, address];
  return isIPv6(address) ? [target === 'src' ? 'c6a2' : 'c6a3', address.replace(/%.*$/, '')] : null;
}

function pair(key: string, value: string): string {
  return `${key}=${escapeValue(cut(value, longest[key] ?? longestValue))}`;
}

/** Never halves a pair of surrogates. */
function cut(value: string, most: number): string {
  if (value.length <= most) return value;
  const end = value.charCodeAt(most - 1) >>> 10 === 0x36 ? most - 1 : most;
  return value.slice(0, end);
}

/** In the header `\` and `|` are escaped, line breaks are not allowed. */
function escapeHeader(value: string): string {
  return plain(value).replaceAll('\\', '\\\\').replaceAll('|', '\\|');
}

/** In values `\` and `=` are escaped. */
function escapeValue(value: string): string {
  return plain(value).replaceAll('\\', '\\\\').replaceAll('=', '\\=');
}

function plain(value: string): string {
  return value.replace(/[\x00-\x1f\x7f]/g, '\ufffd');
}
