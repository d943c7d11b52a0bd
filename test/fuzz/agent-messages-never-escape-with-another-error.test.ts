// Whatever an agent sends is read as a message of the standard or refused with a coded error.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { isPosternError, type PosternError } from '../../src/errors.ts';
import { readJwtBundle } from '../../src/identity/jwt-bundle.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import { decodeJwtBundles, decodeX509Update } from '../../src/identity/workload-api/agent-messages.ts';
import { readX509Update } from '../../src/identity/workload-api/x509-reading.ts';

const options = { spiffeId: null, hint: null, agent: 'the agent', nowMs: 1_763_800_000_000 };
const domain = TrustDomain.parse('a.example');

/** Reads all that a message holds; null where a coded error refused it. */
function refusalOf(read: () => void): PosternError | null {
  try {
    read();
    return null;
  } catch (error) {
    if (isPosternError(error)) return error;
    throw error;
  }
}

function readAll(message: Uint8Array): void {
  const reading = readX509Update(decodeX509Update(message), options);
  assert.equal(reading.svid.ok, false, 'random bytes are no SVID');
  reading.ownBundle(domain);
}

const bytes = fc.uint8Array({ maxLength: 60 });
const svid = fc
  .record({ id: fc.string(), certificates: bytes, key: bytes, bundle: bytes, hint: fc.string() })
  .map(({ id, certificates, key, bundle, hint }) =>
    new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .string(id)
      .tag(2, WireType.LengthDelimited)
      .bytes(certificates)
      .tag(3, WireType.LengthDelimited)
      .bytes(key)
      .tag(4, WireType.LengthDelimited)
      .bytes(bundle)
      .tag(5, WireType.LengthDelimited)
      .string(hint)
      .finish(),
  );

test('random bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
      refusalOf(() => readAll(message));
      refusalOf(() => decodeJwtBundles(message));
    }),
  );
});

test('right messages with wrong parts, whole and cut short', () => {
  fc.assert(
    fc.property(fc.array(svid, { maxLength: 4 }), fc.nat(), (svids, cut) => {
      const writer = new BinaryWriter();
      for (const one of svids) writer.tag(1, WireType.LengthDelimited).bytes(one);
      const message = writer.finish();
      assert.equal(decodeX509Update(message).svids.length, svids.length);
      refusalOf(() => readAll(message));
      refusalOf(() => readAll(message.subarray(0, cut % (message.length + 1))));
    }),
  );
});

test('a thousand and one SVIDs are refused, not kept', () => {
  const writer = new BinaryWriter();
  for (let at = 0; at <= 1000; at++) writer.tag(1, WireType.LengthDelimited).bytes(new Uint8Array(0));
  assert.equal(refusalOf(() => decodeX509Update(writer.finish()))?.code, 'ERR_WORKLOAD_API_ANSWER');
});

test('JWKS documents of any form', () => {
  fc.assert(fc.property(fc.json(), (text) => void readJwtBundle(text, domain)));
  const keys = fc.array(
    fc.record({ kid: fc.jsonValue(), kty: fc.jsonValue(), use: fc.jsonValue(), n: fc.jsonValue() }),
  );
  fc.assert(fc.property(keys, (list) => assert.ok(readJwtBundle(JSON.stringify({ keys: list }), domain))));
});
