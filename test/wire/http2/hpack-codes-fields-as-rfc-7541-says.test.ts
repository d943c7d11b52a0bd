// HPACK against the examples of RFC 7541 appendix C and against `hpack.js`, an implementation by other hands.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HeaderBlock, HpackDecoder } from '../../../src/wire/http2/hpack-decoder.ts';
import { HpackEncoder } from '../../../src/wire/http2/hpack-encoder.ts';
import { Http2Fault } from '../../../src/wire/http2/http2-fault.ts';
import { decodeHuffman } from '../../../src/wire/http2/huffman.ts';

const bounds = { listBytes: 65_536, fieldCount: 1_000 };

type Pairs = readonly (readonly [name: string, value: string])[];

function pairsOf(block: HeaderBlock | Http2Fault): Pairs {
  assert.ok(block instanceof HeaderBlock, block instanceof Http2Fault ? block.detail : '');
  return block.fields.keys.map((key, at) => [key, block.fields.values[at]!] as const);
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

function encode(encoder: HpackEncoder, pairs: Pairs): Buffer {
  return Buffer.from(encoder.begin() + pairs.map(([name, value]) => encoder.field(name, value)).join(''), 'latin1');
}

const first: Pairs = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'www.example.com'],
];
const second: Pairs = [...first, ['cache-control', 'no-cache']];
const third: Pairs = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/index.html'],
  [':authority', 'www.example.com'],
  ['custom-key', 'custom-value'],
];

const examples: readonly {
  readonly name: string;
  readonly blocks: readonly (readonly [hex: string, fields: Pairs])[];
}[] = [
  {
    name: 'C.2.1 literal with indexing',
    blocks: [['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', [['custom-key', 'custom-header']]]],
  },
  {
    name: 'C.2.2 literal without indexing',
    blocks: [['040c 2f73 616d 706c 652f 7061 7468', [[':path', '/sample/path']]]],
  },
  {
    name: 'C.2.3 literal never indexed',
    blocks: [['1008 7061 7373 776f 7264 0673 6563 7265 74', [['password', 'secret']]]],
  },
  { name: 'C.2.4 indexed', blocks: [['82', [[':method', 'GET']]]] },
  {
    name: 'C.3 requests without Huffman',
    blocks: [
      ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', first],
      ['8286 84be 5808 6e6f 2d63 6163 6865', second],
      ['8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65', third],
    ],
  },
  {
    name: 'C.4 requests with Huffman',
    blocks: [
      ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', first],
      ['8286 84be 5886 a8eb 1064 9cbf', second],
      ['8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf', third],
    ],
  },
];

/** C.5 and C.6: a table of 256 octets, so that entries are dropped. */
const answers: readonly Pairs[] = [
  [
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '307'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
    ['location', 'https://www.example.com'],
    ['content-encoding', 'gzip'],
    ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ],
];
const resize = '3fe1 01';
const answerBlocks = [
  [
    '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
    '4803 3330 37c1 c0bf',
    '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
  ],
  [
    '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
    '4883 640e ffc1 c0bf',
    '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
  ],
];

describe('the examples of RFC 7541 appendix C', () => {
  for (const { name, blocks } of examples) {
    test(name, () => {
      const decoder = new HpackDecoder(bounds);
      for (const [bytes, fields] of blocks) assert.deepEqual(pairsOf(decoder.decode(hex(bytes))), fields);
    });
  }

  for (const [at, name] of ['C.5 answers without Huffman', 'C.6 answers with Huffman'].entries()) {
    test(name, () => {
      const decoder = new HpackDecoder(bounds);
      for (const [index, bytes] of answerBlocks[at]!.entries()) {
        const block = index === 0 ? `${resize} ${bytes}` : bytes;
        assert.deepEqual(pairsOf(decoder.decode(hex(block))), answers[index]);
      }
      assert.equal(decoder.tableBytes, 215);
    });
  }
});

const require = createRequire(import.meta.url);

interface OtherSide {
  write(input: unknown): void;
  read(): unknown;
  execute(): void;
  updateTableSize?(size: number): void;
}

/** What of `hpack.js` is used; it has no types of its own. */
const { compressor, decompressor } = require('hpack.js') as {
  compressor: { create(options: object): OtherSide };
  decompressor: { create(options: object): OtherSide };
};

const table = { table: { maxSize: 4096 } };
const names = fc.constantFrom(
  'accept',
  'cookie',
  'content-type',
  'date',
  'server',
  'set-cookie',
  'x-a',
  'x-b',
  ':path',
  ':authority',
  'user-agent',
  'authorization',
  'etag',
  'x-postern-decision-id',
  'vary',
);
const values = fc.oneof(
  fc.constantFrom('', 'a', 'application/json', '/x/y?z=1', 'gzip, deflate', '42'),
  fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 40 }),
  fc.integer({ min: 300, max: 600 }).map((length) => 'v'.repeat(length)),
);
const fieldLists = fc.array(fc.array(fc.tuple(names, values), { minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 12,
});

describe('beside another implementation', () => {
  test('what we write is read as it was meant, block after block', () => {
    fc.assert(
      fc.property(fieldLists, (blocks) => {
        const encoder = new HpackEncoder();
        const other = decompressor.create(table);
        const own = new HpackDecoder(bounds);
        for (const pairs of blocks) {
          const bytes = encode(encoder, pairs);
          other.write(bytes);
          other.execute();
          const read: [string, string][] = [];
          for (let one = other.read(); one !== null && one !== undefined; one = other.read()) {
            const { name, value } = one as { name: string; value: string };
            read.push([name, value]);
          }
          assert.deepEqual(read, pairs);
          assert.deepEqual(pairsOf(own.decode(bytes)), pairs);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('what it writes is read as it was meant, with and without Huffman and in and out of the table', () => {
    const forms = fc.array(fc.record({ huffman: fc.boolean(), incremental: fc.boolean(), neverIndex: fc.boolean() }), {
      minLength: 12,
      maxLength: 12,
    });
    fc.assert(
      fc.property(fieldLists, forms, (blocks, chosen) => {
        const other = compressor.create(table);
        const own = new HpackDecoder(bounds);
        for (const pairs of blocks) {
          other.write(pairs.map(([name, value], at) => ({ name, value, ...chosen[at] })));
          const parts: Buffer[] = [];
          for (let part = other.read(); part !== null && part !== undefined; part = other.read())
            parts.push(part as Buffer);
          assert.deepEqual(pairsOf(own.decode(Buffer.concat(parts))), pairs);
        }
      }),
      { numRuns: 150 },
    );
  });
});

const resizes = fc.array(
  fc.oneof(
    fc.record({ size: fc.constantFrom(0, 40, 100, 200, 4096, 65_536) }),
    fc.array(fc.tuple(names, values), { minLength: 1, maxLength: 6 }),
  ),
  { minLength: 2, maxLength: 20 },
);

describe('a table whose size changes', () => {
  test('keeps both sides in step, and nothing that was kept of earlier blocks is stale', () => {
    fc.assert(
      fc.property(resizes, (steps) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(bounds);
        for (const step of steps) {
          if (!Array.isArray(step)) encoder.setPeerTableBytes(step.size);
          // Twice: the second may come from what the decoder kept.
          else
            for (let time = 0; time < 2; time++) assert.deepEqual(pairsOf(decoder.decode(encode(encoder, step))), step);
          assert.ok(!Array.isArray(step) || encoder.tableBytes === decoder.tableBytes);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('a block whose entry had no room is read anew once there is some', () => {
    const decoder = new HpackDecoder(bounds);
    const addsEntry = Buffer.from('\x40\x01a\x01b', 'latin1');
    decoder.decode(Buffer.from('\x20', 'latin1'));
    decoder.decode(addsEntry);
    assert.equal(decoder.tableBytes, 0);
    decoder.decode(Buffer.from('\x3f\xe1\x1f', 'latin1'));
    decoder.decode(addsEntry);
    assert.equal(decoder.tableBytes, 34);
    assert.deepEqual(pairsOf(decoder.decode(Buffer.from('\xbe', 'latin1'))), [['a', 'b']]);
  });
});

const broken: readonly (readonly [name: string, octets: string])[] = [
  ['index 0 (§6.1)', '\x80'],
  ['an index beyond the tables (§2.3.3)', '\xbe'],
  ['a name beyond the tables', '\x7e\x01a'],
  ['a number that never ends (§5.1)', '\xff\xff\xff\xff\xff\xff\xff'],
  ['a number cut off', '\xff'],
  ['a string cut off (§5.2)', '\x40\x05ab'],
  ['a missing value', '\x40\x01a'],
  ['a table above the limit (§6.3)', '\x3f\xe2\x1f'],
  ['a change of the table after a field (§4.2)', '\x82\x20'],
  ['a third change of the table', '\x20\x20\x20'],
  ['Huffman padding of zeros (§5.2)', '\x40\x01a\x81\x18'],
  ['Huffman padding of more than seven bits', '\x40\x01a\x82\x1f\xff'],
  ['EOS within a string', '\x40\x01a\x84\xff\xff\xff\xff'],
];

describe('a block that is broken', () => {
  for (const [name, octets] of broken) {
    test(`by ${name} ends the connection`, () => {
      const fault = new HpackDecoder(bounds).decode(Buffer.from(octets, 'latin1'));
      assert.ok(fault instanceof Http2Fault);
      assert.equal(fault.h2Code, 9);
    });
  }

  test('in any way at all gives a block or a fault, never an exception', () => {
    const decoder = new HpackDecoder(bounds);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const read = decoder.decode(Buffer.from(bytes));
        assert.ok(read instanceof HeaderBlock || read instanceof Http2Fault);
        assert.ok(decoder.tableBytes <= 4096);
      }),
      { numRuns: 2_000 },
    );
  });
});

test('every octet is Huffman-coded as the other implementation codes it', () => {
  const { encode: codes } = require('hpack.js/lib/hpack/huffman.js') as {
    encode: readonly (readonly [length: number, code: number])[];
  };
  for (let octet = 0; octet < 256; octet++) {
    const [length, code] = codes[octet]!;
    const bits = (code >>> 0).toString(2).padStart(length, '0');
    const padded = bits.padEnd(Math.ceil(length / 8) * 8, '1');
    const bytes = Buffer.from(padded.match(/.{8}/g)!.map((one) => Number.parseInt(one, 2)));
    assert.equal(decodeHuffman(bytes, 0, bytes.length), String.fromCharCode(octet));
  }
});

test('a list above its bounds is read to its end, and says so', () => {
  const decoder = new HpackDecoder({ listBytes: 200, fieldCount: 3 });
  const many = decoder.decode(Buffer.from('\x82\x82\x82\x82\x40\x01a\x01b', 'latin1'));
  assert.ok(many instanceof HeaderBlock && many.tooLarge && many.fields.length === 3);
  assert.equal(decoder.tableBytes, 34);
  const long = decoder.decode(Buffer.from(`\x00\x01n\x7f\x80\x01${'v'.repeat(255)}`, 'latin1'));
  assert.ok(long instanceof HeaderBlock && long.tooLarge && long.fields.length === 0);
});
