// SPIFFE-ID §2, byte by byte: every byte at every kind of place, lengths at their border, and that nothing is normalised.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { isPosternError } from '../../src/errors.ts';
import { SpiffeId } from '../../src/identity/spiffe-id.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';

const trustDomainBytes = new Set('abcdefghijklmnopqrstuvwxyz0123456789.-_');
const pathBytes = new Set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_');

function isId(text: string): boolean {
  try {
    SpiffeId.parse(text);
    return true;
  } catch (error) {
    assert.ok(isPosternError(error, 'ERR_SPIFFE_ID_INVALID'), String(error));
    assert.doesNotMatch(error.message, /[^\x20-\x7e]/);
    return false;
  }
}

const everyByte = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

const places: readonly [where: string, build: (byte: string) => string, allowed: (byte: string) => boolean][] = [
  ['first of the trust domain', (b) => `spiffe://${b}td/x`, (b) => trustDomainBytes.has(b)],
  ['within the trust domain', (b) => `spiffe://t${b}d/x`, (b) => trustDomainBytes.has(b) || b === '/'],
  ['last of the trust domain', (b) => `spiffe://td${b}`, (b) => trustDomainBytes.has(b)],
  ['the whole trust domain', (b) => `spiffe://${b}/x`, (b) => trustDomainBytes.has(b)],
  ['first of a path segment', (b) => `spiffe://td/${b}x`, (b) => pathBytes.has(b)],
  ['within a path segment', (b) => `spiffe://td/x${b}y`, (b) => pathBytes.has(b) || b === '/'],
  ['last of the path', (b) => `spiffe://td/x${b}`, (b) => pathBytes.has(b)],
  ['a whole path segment', (b) => `spiffe://td/${b}/x`, (b) => pathBytes.has(b) && b !== '.'],
  ['the last path segment', (b) => `spiffe://td/x/${b}`, (b) => pathBytes.has(b) && b !== '.'],
  ['before the scheme', (b) => `${b}spiffe://td/x`, () => false],
  ['within the scheme', (b) => `spi${b}ffe://td/x`, () => false],
  ['in place of the colon', (b) => `spiffe${b}//td/x`, (b) => b === ':'],
  ['in place of a slash', (b) => `spiffe:/${b}td/x`, (b) => b === '/'],
];

for (const [where, build, allowed] of places) {
  test(`every byte as ${where} is taken or refused as the standard says`, () => {
    for (const byte of everyByte) assert.equal(isId(build(byte)), allowed(byte), JSON.stringify(build(byte)));
  });
}

const refused = [
  '',
  'spiffe',
  'spiffe:',
  'spiffe:/',
  'spiffe://',
  'spiffe:///',
  'spiffe:///x',
  '//td/x',
  'td/x',
  'SPIFFE://td/x',
  'Spiffe://td/x',
  'spiffe://TD/x',
  'spiffe://td/',
  'spiffe://td//',
  'spiffe://td//x',
  'spiffe://td/x/',
  'spiffe://td/x//y',
  'spiffe://td/.',
  'spiffe://td/..',
  'spiffe://td/./x',
  'spiffe://td/../x',
  'spiffe://td/x/..',
  'spiffe://td/x/.',
  'spiffe://td/%61',
  'spiffe://td/x?',
  'spiffe://td/x?a=b',
  'spiffe://td/x#',
  'spiffe://td?x',
  'spiffe://td#x',
  'spiffe://td:80/x',
  'spiffe://td:/x',
  'spiffe://u@td/x',
  'spiffe://u:p@td/x',
  'spiffe://[::1]/x',
  'spiffe://td/x y',
  'spiffe://td/x ',
  ' spiffe://td/x',
  'spiffe://td/x\n',
  'spiffe://t\u212a/x',
  'spiffe://td/\u2024',
  'spiffe://td/\ud800',
  'https://td/x',
];

test('what is not written in the one canonical way is refused', () => {
  for (const text of refused) assert.equal(isId(text), false, JSON.stringify(text));
});

test('dots that are not dot segments are allowed', () => {
  for (const path of ['/...', '/.x', '/x.', '/..x', '/x..y', '/-', '/_'])
    assert.equal(isId(`spiffe://td${path}`), true, path);
});

test('2048 bytes are an ID, 2049 are none; 255 are a trust domain, 256 are none', () => {
  const prefix = 'spiffe://td/';
  assert.equal(isId(prefix + 'x'.repeat(2048 - prefix.length)), true);
  assert.equal(isId(prefix + 'x'.repeat(2049 - prefix.length)), false);
  assert.equal(isId(`spiffe://${'d'.repeat(255)}/x`), true);
  assert.equal(isId(`spiffe://${'d'.repeat(256)}/x`), false);
});

test('an ID gives its parts and its text, and is equal to its like only', () => {
  const id = SpiffeId.parse('spiffe://prod.acme.com/ns/payments/api');
  assert.equal(id.trustDomain.name, 'prod.acme.com');
  assert.equal(id.path, '/ns/payments/api');
  assert.equal(String(id), 'spiffe://prod.acme.com/ns/payments/api');
  assert.equal(JSON.stringify({ id }), '{"id":"spiffe://prod.acme.com/ns/payments/api"}');
  assert.equal(inspect(id), 'spiffe://prod.acme.com/ns/payments/api');
  assert.ok(id.equals(SpiffeId.parse(String(id))));
  assert.ok(!id.equals(SpiffeId.parse('spiffe://prod.acme.com/ns/payments/API')));
  assert.ok(id.trustDomain.equals(TrustDomain.parse('prod.acme.com')));
  assert.ok(Object.isFrozen(id) && Object.isFrozen(id.trustDomain));
});

test('a trust domain alone is an ID without a path', () => {
  assert.equal(SpiffeId.parse('spiffe://td').path, '');
});

test('a trust domain is a bare name, every byte of it', () => {
  for (const byte of everyByte) {
    const parse = () => TrustDomain.parse(`a${byte}b`);
    if (trustDomainBytes.has(byte)) assert.equal(parse().name, `a${byte}b`);
    else assert.throws(parse, { code: 'ERR_TRUST_DOMAIN_INVALID' });
  }
  assert.throws(() => TrustDomain.parse('spiffe://td'), { code: 'ERR_TRUST_DOMAIN_INVALID' });
  assert.throws(() => TrustDomain.parse(''), { code: 'ERR_TRUST_DOMAIN_INVALID' });
});

test('property: whatever parses prints as it was written, and everything else is a coded error', () => {
  const piece = fc.oneof(
    fc.constantFrom('spiffe://', '/', '.', '..', 'td', 'ns', '%2f', '\0', '?', '#', '@', ':'),
    fc.string({ maxLength: 4 }),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }).map((parts) => parts.join('')),
      fc.boolean(),
      (text, isPrefixed) => {
        const whole = isPrefixed ? `spiffe://td/${text}` : text;
        if (isId(whole)) assert.equal(SpiffeId.parse(whole).toString(), whole);
      },
    ),
  );
});

test('property: an ID is what the grammar says, by an independent reading of it', () => {
  const grammar = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[a-zA-Z0-9._-]+)*$/;
  const char = fc.constantFrom(...'aZ0._-/%?#@: ');
  fc.assert(
    fc.property(fc.string({ unit: char, maxLength: 12 }), (rest) => {
      assert.equal(isId(`spiffe://${rest}`), grammar.test(`spiffe://${rest}`), rest);
    }),
    { numRuns: 2000 },
  );
});
