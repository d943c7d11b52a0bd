// Request ids and trace contexts that callers send: taken exactly where they are valid.

import assert from 'node:assert/strict';
import { isAcceptableRequestId } from '../../../src/wire/request-id.ts';
import { parseTraceparent } from '../../../src/wire/trace-context.ts';
import type { FuzzTarget } from '../engine/fuzz-target.ts';

const version00 = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
const later = /^(?!00|ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;

/** The fuzzing of correlation values. */
export const correlations: FuzzTarget = {
  name: 'correlations',
  promise:
    'a trace context is taken exactly where W3C Trace Context takes it, and an id only where it is visible ASCII',
  covers: ['src/wire/trace-context.ts', 'src/wire/request-id.ts'],
  seeds: [
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff-more',
    '00-00000000000000000000000000000000-0000000000000000-00',
    '7b2f1c0e-5a44-4b52-9d0e-0f1c2d3e4f50',
  ],
  dictionary: [
    '00',
    'ff',
    '01',
    '-',
    '--',
    '0',
    'a',
    'A',
    'g',
    '0000000000000000',
    ' ',
    '\t',
    '\x7f',
    '\x80',
    '\0',
    'x'.repeat(128),
  ],
  check: (input) => {
    const parts = version00.exec(input) ?? later.exec(input);
    const read = parseTraceparent(input);
    assert.deepEqual([read?.traceId, read?.parentId], [parts?.[1], parts?.[2]], 'the standard reads it otherwise');
    if (read !== null) assert.equal(Number.parseInt(read.flags, 16), Number.parseInt(parts![3]!, 16) & 3);
    assert.equal(isAcceptableRequestId(input), /^[\x21-\x7e]{1,128}$/.test(input));
  },
};
