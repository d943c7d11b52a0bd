// SPIFFE IDs, trust domains and patterns of IDs, against a reading of SPIFFE-ID §2 in one expression and against `new URL`.

import assert from 'node:assert/strict';
import { isPosternError } from '../../../src/errors.ts';
import { SpiffeId, spiffeIdFault } from '../../../src/identity/spiffe-id.ts';
import { TrustDomain, trustDomainFault } from '../../../src/identity/trust-domain.ts';
import { escapeFieldValue } from '../../../src/wire/escape-field-value.ts';
import type { FuzzTarget } from '../engine/fuzz-target.ts';

const standard = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/(?!\.{1,2}(?:\/|$))[a-zA-Z0-9._-]+)*)$/;

/** The fuzzing of SPIFFE IDs. */
export const spiffeIds: FuzzTarget = {
  name: 'spiffe-ids',
  promise: 'an ID is taken exactly where the standard takes it, and then has one spelling',
  covers: ['src/identity/spiffe-id.ts', 'src/identity/trust-domain.ts', 'src/identity/shown-text.ts'],
  seeds: [
    'spiffe://a',
    'spiffe://prod.acme.com/ns/payments/api',
    'spiffe://a-b_c.d/1/..a/.b',
    'spiffe://x/y/',
    'spiffe://A/b',
  ],
  dictionary: [
    ...[
      'spiffe://',
      'SPIFFE://',
      'https://',
      '/',
      '//',
      '/.',
      '/..',
      '/./',
      '.',
      '..',
      '-',
      '_',
      '@',
      ':',
      ':80',
      '?',
      '#',
      '%',
    ],
    ...[
      '%2f',
      '%61',
      '\0',
      '\n',
      ' ',
      '*',
      '**',
      '{a}',
      'a',
      'Z',
      '0',
      '\xe9',
      '\u0130',
      '\u212a',
      '\ud83d\ude00',
      '\ud800',
    ],
    ...['x'.repeat(255), 'y'.repeat(2048), '[::1]', '1.2.3.4', 'xn--a'],
  ],
  check: checkId,
};

function checkId(input: string): void {
  const parts = standard.exec(input);
  const isValid = parts !== null && input.length <= 2048;
  assert.equal(spiffeIdFault(input) === null, isValid, 'the standard says otherwise');
  if (isValid) {
    const id = SpiffeId.parse(input);
    assert.deepEqual([id.toString(), id.trustDomain.toString(), id.path], [input, parts[1], parts[2]]);
    assert.equal(new URL(input).pathname, parts[2], '`new URL` reads another path');
    assert.equal(escapeFieldValue(input), input, 'a valid ID needs no escape');
  } else {
    assert.throws(() => SpiffeId.parse(input), isIdError);
  }
  if (trustDomainFault(input) !== null) assert.throws(() => TrustDomain.parse(input), isIdError);
  else assert.ok(SpiffeId.parse(`spiffe://${TrustDomain.parse(input)}`).path === '');
  assert.match(escapeFieldValue(input), /^[\x21-\x7e]*$/);
}

function isIdError(error: unknown): boolean {
  return (
    isPosternError(error) && /^ERR_(SPIFFE_ID|TRUST_DOMAIN)_INVALID$/.test(error.code) && !/[\r\n]/.test(error.message)
  );
}
