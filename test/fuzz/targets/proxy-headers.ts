// PROXY headers of load balancers: what is taken is written anew as the same ends, whichever way it was cut.

import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { encodeProxyHeader, longestProxyBody, readProxyHeader } from '../../../src/wire/proxy-header.ts';
import type { FuzzTarget } from '../engine/fuzz-target.ts';

const signature = '\r\n\r\n\0\r\nQUIT\n';
const ipv4 = '\x0a\x00\x00\x07\x0a\x00\x00\x08\x12\x34\x01\xbb';

/** The fuzzing of PROXY headers. */
export const proxyHeaders: FuzzTarget = {
  name: 'proxy-headers',
  promise: 'a PROXY header is taken whole or refused, its addresses are addresses, and what follows is left alone',
  covers: ['src/wire/proxy-header.ts', 'src/wire/ip-octets.ts', 'src/wire/crc32c.ts'],
  seeds: [
    `${signature}\x21\x11\x00\x0c${ipv4}`,
    `${signature}\x21\x11\x00\x13${ipv4}\x03\x00\x04\0\0\0\0`,
    `${signature}\x21\x21\x00\x24${'\x20\x01'.repeat(16)}\x12\x34\x01\xbb\x16\x03\x01`,
    `${signature}\x20\x00\x00\x00`,
    'PROXY TCP4 10.0.0.7 10.0.0.8 4660 443\r\n',
  ],
  dictionary: [signature, '\x21', '\x20', '\x11', '\x21\x21', '\0', '\xff\xff', '\x03\0\x04', '\xe0\0\x03abc'],
  check,
};

function check(input: string): void {
  const bytes = Buffer.from(input, 'latin1');
  const header = readProxyHeader(bytes);
  if (header.kind === 'incomplete') return assert.ok(bytes.length < 16 + longestProxyBody);
  assert.deepEqual(readProxyHeader(Buffer.concat([bytes, Buffer.from('more')])), header);
  if (header.kind === 'invalid') return;
  assert.deepEqual(readProxyHeader(bytes.subarray(0, header.length)), header);
  assert.equal(readProxyHeader(bytes.subarray(0, header.length - 1)).kind, 'incomplete');
  if (header.ends === null) return;
  for (const { address } of [header.ends.source, header.ends.destination]) assert.notEqual(isIP(address), 0);
  const again = readProxyHeader(encodeProxyHeader(header.ends, []));
  assert.deepEqual(again.kind === 'whole' && again.ends, header.ends);
}
