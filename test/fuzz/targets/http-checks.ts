// Promises that hold for requests and responses alike.

import assert from 'node:assert/strict';
import type { RequestHead, ResponseHead } from '../../../src/wire/http1-message.ts';
import { octets, type WireEvent } from '../../wire/recorded-events.ts';
import { digestOf, SeededRandom } from '../engine/seeded-random.ts';

/** Pieces whose sizes follow from the input; one octet each at times. */
export function cut(input: string): Buffer[] {
  const random = new SeededRandom(digestOf(input));
  const most = random.pick([1, 3, 20, 200]);
  const pieces: Buffer[] = [];
  for (let at = 0; at < input.length; ) {
    const size = 1 + random.below(most);
    pieces.push(octets(input.slice(at, at + size)));
    at += size;
  }
  return pieces;
}

/** Events without the wording of faults, which may show what had come so far. */
export function meaning<Head>(events: readonly WireEvent<Head>[]): WireEvent<Head>[] {
  return events.map((event) => (event.kind === 'fault' ? { ...event, message: '' } : event));
}

/** Every fault has a code of the codec. */
export function assertFaultsAreOurs<Head>(events: readonly WireEvent<Head>[]): void {
  for (const event of events) if (event.kind === 'fault') assert.match(event.code, /^ERR_WIRE_/);
}

/** Names as a CGI-like workload reads them, which only Postern may write; each head has those of `own`. */
const identity = /^(x-forwarded-client-cert|client-cert|client-cert-chain|x-spiffe-.*|x-postern-.*)$/;
const lineForm = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*$/;

/** A head that Postern wrote: whole lines, one framing, and the lines `own` as the only ones that speak for Postern. */
export function assertHeadIsClean(text: string, own: readonly string[]): void {
  assert.ok(text.endsWith('\r\n\r\n'), 'a head ends with an empty line');
  const [first, ...lines] = text.slice(0, -4).split('\r\n');
  assert.match(first!, /^[\x20-\x7e\x80-\xff\t]+$/);
  for (const line of lines) assert.match(line, lineForm);
  const foldedNames = lines.map(foldedName);
  assert.deepEqual(
    lines.filter((_, at) => identity.test(foldedNames[at]!)),
    own,
  );
  const framing = foldedNames.filter((name) => name === 'content-length' || name === 'transfer-encoding');
  assert.ok(framing.length <= 1, `framed more than once: ${framing.join(' ')}`);
}

/** What no trailer may say (RFC 9110 §6.5.1): framing, routing, who the caller is, and where the request came from. */
const barred =
  /^(host|content-length|transfer-encoding|te|connection|authorization|cookie|set-cookie|forwarded|x-forwarded-.*)$/;

/** Trailers that Postern wrote. */
export function assertTrailersAreClean(lines: readonly string[]): void {
  for (const line of lines) {
    assert.match(line, lineForm);
    assert.doesNotMatch(foldedName(line), identity);
    assert.doesNotMatch(foldedName(line), barred);
  }
}

function foldedName(line: string): string {
  const name = line.slice(0, line.indexOf(':')).toLowerCase();
  return name.replaceAll(/[^a-z0-9]/g, '-');
}

/**
 * What was taken says its framing once and plainly: whatever is behind Postern, or was before it, can read it in one way only
 * (RFC 9112 §6.3). Counted from the fields as they came, not from what the parser made of them.
 */
export function assertFramingIsPlain<Head extends RequestHead | ResponseHead>(
  events: readonly WireEvent<Head>[],
): void {
  for (const event of events) {
    if (event.kind !== 'head' && event.kind !== 'interim') continue;
    const { fields, contentLength, framing } = event.head;
    const lengths = fields.getAll('content-length');
    const codings = fields.getAll('transfer-encoding');
    assert.ok(lengths.length + codings.length <= 1, `framed more than once: ${[...lengths, ...codings].join(' | ')}`);
    for (const length of lengths) assert.match(length, /^(0|[1-9][0-9]{0,14})$/);
    for (const coding of codings) assert.equal(coding.toLowerCase(), 'chunked');
    if (framing === 'length') assert.equal(lengths[0], String(contentLength));
    if (framing === 'chunked') assert.equal(codings.length, 1);
    if ('host' in event.head) assert.equal(fields.getAll('host').length, 1);
  }
}
