// Tests of policies: a `*.test.yaml` file with `cases:`, or `tests:` inside of a policy. Each is a request and what must be
// decided about it.

import { isPosternError, PosternError } from '../errors.ts';
import { compareFindings } from '../lib/finding.ts';
import type { SourcePosition } from '../lib/source-position.ts';
import { readYaml } from '../lib/yaml-document.ts';
import type { YamlMap, YamlNode } from '../lib/yaml-tree.ts';
import type { PolicySource } from './loader.ts';
import type { AuthzRequest } from './model.ts';
import type { Effect, PolicyDocument } from './policy-document.ts';
import type { Place, PolicyFinding } from './policy-finding.ts';
import { reportError } from './policy-finding.ts';
import { requestFromJson } from './request-json.ts';
import { reportWrong, YamlFields } from './yaml-fields.ts';

/** What must come of a request; null: does not matter. */
export interface Expectation {
  readonly decision: Effect;
  readonly reason: string | null;
  readonly policy: string | null;
  readonly rule: string | null;
}

export interface PolicyCase {
  readonly name: string;
  readonly request: AuthzRequest;
  readonly expect: Expectation;
  readonly position: SourcePosition;
}

/** Cases, or everything that is wrong with them. */
export interface CaseReading {
  readonly cases: readonly PolicyCase[];
  readonly findings: readonly PolicyFinding[];
}

interface CasePlace extends Place {
  /** Time of requests that name none, milliseconds. */
  readonly nowMs: number;
}

/** Reads a test file. Never throws for what is in it. */
export function readCaseFile({ file, text }: PolicySource, nowMs: number): CaseReading {
  return reading(null, nowMs, (place) => {
    const { roots, faults } = readYaml(text, file);
    for (const fault of faults) reportError(place, { code: 'E-YAML', ...fault });
    if (faults.length > 0) return [];
    if (roots.length === 0) {
      const message = 'the file holds no test';
      reportError(place, { code: 'L-KEY', message, position: { file, line: 1, column: 1 } });
    }
    return roots.flatMap((root) => casesOfRoot(root, place));
  });
}

/** Reads `tests:` of a policy. */
export function readCasesOf(policy: PolicyDocument, nowMs: number): CaseReading {
  const { tests } = policy;
  if (tests === null) return { cases: [], findings: [] };
  return reading(policy.name, nowMs, (place) => readCases(tests, place));
}

/** The error of tests that cannot be run; it carries all findings. */
export function policyTestInvalid(findings: readonly PolicyFinding[]): PosternError {
  const ordered = [...findings].sort(compareFindings) as PolicyFinding[];
  const first = ordered[0];
  if (first === undefined) throw new TypeError('tests without findings are not invalid');
  const { message, position } = first;
  return new PosternError('ERR_POLICY_TEST', `${message} [${first.code}]`, { position, findings: ordered });
}

function reading(policy: string | null, nowMs: number, read: (place: CasePlace) => readonly PolicyCase[]): CaseReading {
  const findings: PolicyFinding[] = [];
  const cases = read({ policy, rule: null, nowMs, report: (finding) => findings.push(finding) });
  return { cases: findings.length > 0 ? [] : cases, findings };
}

function casesOfRoot(root: YamlNode, place: CasePlace): readonly PolicyCase[] {
  if (root.kind !== 'map') {
    reportWrong(place, root, 'a mapping with `cases`');
    return [];
  }
  const cases = new YamlFields(root, ['cases', 'description'], place).required('cases');
  return cases === null ? [] : readCases(cases, place);
}

function readCases(node: YamlNode, place: CasePlace): readonly PolicyCase[] {
  if (node.kind !== 'list' || node.items.length === 0) {
    reportWrong(place, node, 'a list of cases, not empty');
    return [];
  }
  return node.items.flatMap((item) => {
    if (item.kind === 'map') return readCase(item, place) ?? [];
    reportWrong(place, item, 'a case: {name, request, expect}');
    return [];
  });
}

function readCase(map: YamlMap, place: CasePlace): PolicyCase | null {
  const fields = new YamlFields(map, ['name', 'request', 'expect'], place);
  for (const key of ['name', 'request', 'expect']) fields.required(key);
  const name = fields.text('name');
  const asked = fields.node('request');
  const expected = fields.node('expect');
  const request = asked === null ? null : readRequest(asked, place);
  const expect = expected === null ? null : readExpectation(expected, place);
  if (name === null || request === null || expect === null) return null;
  return { name, request, expect, position: map.position };
}

function readRequest(node: YamlNode, place: CasePlace): AuthzRequest | null {
  try {
    return requestFromJson(jsonOf(node), place.nowMs);
  } catch (error) {
    if (!isPosternError(error, 'ERR_POLICY_REQUEST')) throw error;
    const { message, mend } = error;
    reportError(place, { code: 'ERR_POLICY_REQUEST', message, mend, position: node.position });
    return null;
  }
}

/** Keys become own properties, `__proto__` too. */
function jsonOf(node: YamlNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(jsonOf);
  return Object.fromEntries(node.entries.map((entry) => [entry.key, jsonOf(entry.value)]));
}

function readExpectation(node: YamlNode, place: CasePlace): Expectation | null {
  if (node.kind !== 'map') {
    reportWrong(place, node, 'what is expected: {decision, reason, policy, rule}');
    return null;
  }
  const fields = new YamlFields(node, ['decision', 'reason', 'policy', 'rule'], place);
  fields.required('decision');
  const decision = fields.word('decision', ['allow', 'deny']);
  if (decision === null) return null;
  return { decision, reason: fields.text('reason'), policy: fields.text('policy'), rule: fields.text('rule') };
}
