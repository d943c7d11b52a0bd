// A query parameter that policy judges by must be the one that the workload reads; where workloads differ, policy sees none.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestHttpFacts } from '../../src/proxy/inbound-request.ts';
import { FieldList } from '../../src/wire/field-list.ts';

const rows: readonly (readonly [query: string, role: string | undefined, why: string])[] = [
  ['?role=user', 'user', 'one value'],
  ['?x=1&role=user&y=2', 'user', 'one value among others'],
  ['?role=us%65r+%26', 'user &', 'decoded as forms are'],
  ['?%72ole=user', 'user', 'the name is decoded too'],
  ['?role', '', 'a name alone'],
  ['?role=', '', 'an empty value'],
  ['?role=a=b', 'a=b', 'an equals sign in the value'],
  ['?Role=user', undefined, 'names are case-sensitive'],
  ['', undefined, 'no query'],
  ['?', undefined, 'an empty query'],
  ['?role=user&role=admin', undefined, 'two values'],
  ['?role=user&%72ole=admin', undefined, 'two values, one in disguise'],
  ['?role=user&%zz=1', undefined, 'a name that does not decode'],
  ['?role=%ff', undefined, 'a value that does not decode'],
  ['?x=1;role=admin&role=user', undefined, 'a second value for those who part at `;`'],
  ['?role=user;x=1', undefined, 'another value for those who part at `;`'],
  ['?role=user;role=admin', undefined, 'two values for those who part at `;`'],
  ['?x=1;r%6fle=admin', undefined, 'a value only for those who part at `;`'],
  ['?x=text;q=1&role=user', 'user', 'a `;` that is about something else'],
];

for (const [query, role, why] of rows) {
  test(`\`role\` in \`${query}\` is ${role === undefined ? 'not there' : `\`${role}\``}: ${why}`, () => {
    assert.equal(new RequestHttpFacts('GET', new FieldList(), query).query('role'), role);
  });
}
