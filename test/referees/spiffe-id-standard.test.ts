// Referee: the SPIFFE-ID standard, §2, rule by rule and byte by byte: every byte at every kind of place, lengths at their
// border, and that nothing is normalised. What Postern does more strictly than the standard asks is said in the name.

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

const places: readonly [
  section: string,
  where: string,
  build: (byte: string) => string,
  allowed: (byte: string) => boolean,
][] = [
  ['§2.1', 'first of the trust domain', (b) => `spiffe://${b}td/x`, (b) => trustDomainBytes.has(b)],
  ['§2.1', 'within the trust domain', (b) => `spiffe://t${b}d/x`, (b) => trustDomainBytes.has(b) || b === '/'],
  ['§2.1', 'last of the trust domain', (b) => `spiffe://td${b}`, (b) => trustDomainBytes.has(b)],
  ['§2.1', 'the whole trust domain', (b) => `spiffe://${b}/x`, (b) => trustDomainBytes.has(b)],
  ['§2.2', 'first of a path segment', (b) => `spiffe://td/${b}x`, (b) => pathBytes.has(b)],
  ['§2.2', 'within a path segment', (b) => `spiffe://td/x${b}y`, (b) => pathBytes.has(b) || b === '/'],
  ['§2.2', 'last of the path', (b) => `spiffe://td/x${b}`, (b) => pathBytes.has(b)],
  ['§2.2', 'a whole path segment', (b) => `spiffe://td/${b}/x`, (b) => pathBytes.has(b) && b !== '.'],
  ['§2.2', 'the last path segment', (b) => `spiffe://td/x/${b}`, (b) => pathBytes.has(b) && b !== '.'],
  ['§2', 'before the scheme', (b) => `${b}spiffe://td/x`, () => false],
  ['§2', 'within the scheme', (b) => `spi${b}ffe://td/x`, () => false],
  ['§2', 'in place of the colon', (b) => `spiffe${b}//td/x`, (b) => b === ':'],
  ['§2', 'in place of a slash', (b) => `spiffe:/${b}td/x`, (b) => b === '/'],
];

for (const [section, where, build, allowed] of places) {
  test(`SPIFFE-ID ${section}: every byte as ${where} is taken or refused by the rule`, () => {
    for (const byte of everyByte) assert.equal(isId(build(byte)), allowed(byte), JSON.stringify(build(byte)));
  });
}

const refused: readonly [rule: string, texts: readonly string[]][] = [
  [
    '§2: the scheme is spiffe',
    ['', 'spiffe', 'spiffe:', 'spiffe:/', '//td/x', 'td/x', 'https://td/x', 'spiffe:td/x', ' spiffe://td/x'],
  ],
  ['§2: there is no query', ['spiffe://td/x?', 'spiffe://td/x?a=b', 'spiffe://td?x']],
  ['§2: there is no fragment', ['spiffe://td/x#', 'spiffe://td#x']],
  ['§2.1: the host is not empty', ['spiffe://', 'spiffe:///', 'spiffe:///x']],
  ['§2.1: there is no userinfo', ['spiffe://u@td/x', 'spiffe://u:p@td/x', 'spiffe://@td/x']],
  ['§2.1: there is no port', ['spiffe://td:80/x', 'spiffe://td:/x']],
  ['§2.1: the host is in lower case', ['spiffe://TD/x', 'spiffe://tD/x', 'spiffe://t\u212a/x']],
  ['§2.1: nothing is percent-encoded in the host', ['spiffe://t%64/x', 'spiffe://%74d/x']],
  ['§2.1: an IPv6 address is no host', ['spiffe://[::1]/x', 'spiffe://::1/x']],
  ['§2.2: nothing is percent-encoded in the path', ['spiffe://td/%61', 'spiffe://td/a%2Fb']],
  ['§2.2: no segment is empty', ['spiffe://td//', 'spiffe://td//x', 'spiffe://td/x//y']],
  [
    '§2.2: no segment is a relative modifier',
    [
      'spiffe://td/.',
      'spiffe://td/..',
      'spiffe://td/./x',
      'spiffe://td/../x',
      'spiffe://td/x/..',
      'spiffe://td/x/.',
      'spiffe://td/x/../y',
    ],
  ],
  ['§2.2: the path does not end with a slash', ['spiffe://td/', 'spiffe://td/x/']],
  [
    '§2.2: segments have no other characters',
    ['spiffe://td/x y', 'spiffe://td/x ', 'spiffe://td/x\n', 'spiffe://td/\u2024', 'spiffe://td/\ud800'],
  ],
  // A second spelling of one identity would be a second row in policies and records; §2.1 asks issuers for lower case.
  ['§2.4: the scheme in upper case, which a parser may take, is refused', ['SPIFFE://td/x', 'Spiffe://td/x']],
];

for (const [rule, texts] of refused) {
  test(`SPIFFE-ID ${rule}`, () => {
    for (const text of texts) assert.equal(isId(text), false, JSON.stringify(text));
  });
}

test('SPIFFE-ID §2.1: a host that reads as an IPv4 address or is no DNS name is a trust domain as any other', () => {
  for (const host of ['10.0.0.1', '1', 'under_score', '-', '..', 'a..b', `${'l'.repeat(64)}.x`])
    assert.equal(SpiffeId.parse(`spiffe://${host}/x`).trustDomain.name, host);
});

test('SPIFFE-ID §2.2: dots that are not dot segments are allowed', () => {
  for (const path of ['/...', '/.x', '/x.', '/..x', '/x..y', '/-', '/_'])
    assert.equal(isId(`spiffe://td${path}`), true, path);
});

test('SPIFFE-ID §2.3: 2048 bytes are an ID, and stricter, 2049 are none; 255 are a trust domain, 256 are none', () => {
  const prefix = 'spiffe://td/';
  assert.equal(isId(prefix + 'x'.repeat(2048 - prefix.length)), true);
  assert.equal(isId(prefix + 'x'.repeat(2049 - prefix.length)), false);
  assert.equal(isId(`spiffe://${'d'.repeat(255)}/x`), true);
  assert.equal(isId(`spiffe://${'d'.repeat(256)}/x`), false);
});

test('SPIFFE-ID §2.4: the path is case-sensitive; an ID gives its parts and its text, and is equal to its like only', () => {
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

test('SPIFFE-ID §2: a trust domain alone is an ID without a path', () => {
  assert.equal(SpiffeId.parse('spiffe://td').path, '');
});

test('SPIFFE-ID §2.1: a trust domain is a bare name, every byte of it', () => {
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
