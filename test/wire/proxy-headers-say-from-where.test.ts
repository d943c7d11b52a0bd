// The PROXY protocol, version 2: what we write is read back as it was; what is not plainly a header is refused; cutting the
// input changes nothing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { crc32c } from '../../src/wire/crc32c.ts';
import { ipOctets, ipText } from '../../src/wire/ip-octets.ts';
import { encodeProxyHeader, longestProxyBody, type ProxyEnds, readProxyHeader } from '../../src/wire/proxy-header.ts';

const signature = '0d0a0d0a000d0a515549540a';
const octets = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

test('a header is as the text of the protocol shows it', () => {
  const ends = { source: { address: '10.0.0.7', port: 0x1234 }, destination: { address: '10.0.0.8', port: 443 } };
  const written = encodeProxyHeader(ends, [{ type: 0xe0, value: octets('6162') }]);
  assert.equal(
    Buffer.from(written).toString('hex'),
    `${signature}21110011${'0a000007'}${'0a000008'}123401bbe000026162`,
  );
});

const end = (address: fc.Arbitrary<string>) => fc.record({ address, port: fc.integer({ min: 0, max: 65_535 }) });
const field = fc.record({
  type: fc.integer({ min: 0xe0, max: 0xef }),
  value: fc.uint8Array({ maxLength: 300 }),
});
const sameFamily = fc.oneof(
  fc.record({ source: end(fc.ipV4()), destination: end(fc.ipV4()) }),
  fc.record({ source: end(fc.ipV6()), destination: end(fc.ipV6()) }),
);

function plain({ source, destination }: ProxyEnds): unknown {
  return [source, destination].map(({ address, port }) => [...(ipOctets(address) ?? []), port]);
}

test('what is written is read as it was, whatever follows, and whichever way it is cut', () => {
  fc.assert(
    fc.property(
      sameFamily,
      fc.array(field, { maxLength: 4 }),
      fc.uint8Array({ maxLength: 20 }),
      (ends, fields, rest) => {
        const header = encodeProxyHeader(ends, fields);
        const read = readProxyHeader(Uint8Array.from([...header, ...rest]));
        assert.ok(read.kind === 'whole' && read.ends !== null);
        assert.equal(read.length, header.length);
        assert.deepEqual(plain(read.ends), plain(ends));
        for (let cut = 0; cut < header.length; cut += 1 + (header.length >> 6)) {
          assert.equal(readProxyHeader(header.subarray(0, cut)).kind, 'incomplete');
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('whatever comes is whole, incomplete or refused, and a refusal is never taken back by what follows', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.uint8Array({ maxLength: 80 }).map((tail) => Uint8Array.from([...octets(signature), ...tail])),
    fc.uint8Array({ maxLength: 80 }).map((tail) => Uint8Array.from([...octets(`${signature}2111`), ...tail])),
  );
  fc.assert(
    fc.property(anything, fc.uint8Array({ maxLength: 8 }), (bytes, more) => {
      const read = readProxyHeader(bytes);
      if (read.kind === 'incomplete') return;
      assert.deepEqual(readProxyHeader(Uint8Array.from([...bytes, ...more])), read);
    }),
    { numRuns: 300 },
  );
});

const refused: Readonly<Record<string, string>> = {
  'version 1': Buffer.from('PROXY TCP4 10.0.0.7 10.0.0.8 1 2\r\n').toString('hex'),
  'a TLS hello': '160301',
  'another version': `${signature} 31 11 000c 0a000007 0a000008 0001 0002`,
  'another command': `${signature} 22 11 000c 0a000007 0a000008 0001 0002`,
  UDP: `${signature} 21 12 000c 0a000007 0a000008 0001 0002`,
  'a unix socket': `${signature} 21 31 0000`,
  'half an address': `${signature} 21 11 0004 0a000007`,
  'half a field': `${signature} 21 11 000e 0a000007 0a000008 0001 0002 e000`,
  'a field beyond the end': `${signature} 21 11 0010 0a000007 0a000008 0001 0002 e0000200`,
  'a wrong checksum': `${signature} 21 11 0013 0a000007 0a000008 0001 0002 030004 deadbeef`,
  'a checksum of another length': `${signature} 21 11 0010 0a000007 0a000008 0001 0002 030001 00`,
  'more than anybody sends': `${signature} 21 11 ${(longestProxyBody + 1).toString(16).padStart(4, '0')}`,
};

describe('refused is', () => {
  for (const [what, hex] of Object.entries(refused)) {
    test(what, () => assert.equal(readProxyHeader(octets(hex)).kind, 'invalid'));
  }
});

test('a checksum that holds is taken; LOCAL, and a family that is not known, say nothing of the ends', () => {
  // Check value of the algorithm: RFC 3720 B.4 calls the same one over nine digits 0xE3069283.
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  const blank = octets(`${signature} 21 11 0013 0a000007 0a000008 0001 0002 030004 00000000`);
  const summed = Buffer.from(blank);
  summed.writeUInt32BE(crc32c(blank), summed.length - 4);
  assert.equal(readProxyHeader(summed).kind, 'whole');
  for (const hex of [`${signature}20000000`, `${signature}20110004deadbeef`, `${signature}21000000`]) {
    const read = readProxyHeader(octets(hex));
    assert.deepEqual([read.kind, read.kind === 'whole' && read.ends], ['whole', null]);
  }
});

test('an address keeps its octets; what is no address gives none', () => {
  const rows = [
    ['0:0:0:0:0:0:0:1', '::1'],
    ['::', '::'],
    ['fe80::1%eth0', 'fe80::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['1:0:2:3:4:5:6:0', '1:0:2:3:4:5:6:0'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['10.0.0.7', '10.0.0.7'],
  ];
  for (const [text, full] of rows) assert.equal(ipText(ipOctets(text!)!), full);
  for (const text of ['10.0.0', '10.0.0.256', '1::2::3', '1:2', 'g::', '', '1:2:3:4:5:6:7:8::']) {
    assert.equal(ipOctets(text), null, text);
  }
});
