// What the contract has and this version has not is recognised and refused; ignoring it would leave a gap where the
// operator believes a protection to be.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refusalOf, smallest } from './sample-config.ts';

const later: Readonly<Record<string, string>> = {
  'inventory.dormant_after': `${smallest}inventory: { dormant_after: 90d }`,
  'inventory.report_to': `${smallest}inventory: { report_to: "https://fleet:8444" }`,
  'admin.allow': `${smallest}admin: { allow: ["spiffe://a.example/b"] }`,
  'stdout: ecs': `${smallest}audit: { stdout: ecs }`,
  'stdout: ocsf': `${smallest}audit: { stdout: ocsf }`,
  'stdout: cef': `${smallest}audit: { stdout: cef }`,
  'admin beyond loopback': `${smallest}admin: { listen: "0.0.0.0:9901" }`,
};

describe('ERR_CONFIG_NOT_YET for', () => {
  for (const [what, text] of Object.entries(later)) {
    test(what, () => {
      const { findings } = refusalOf(text);
      assert.deepEqual(
        findings.map((finding) => finding.code),
        ['ERR_CONFIG_NOT_YET'],
      );
      assert.match(findings[0]?.message ?? '', /part of the contract but not in this version$/);
    });
  }
});
