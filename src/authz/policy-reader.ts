// A policy file: YAML in, checked policies and findings out (policy.md 1.1). Nothing is skipped: a file with one error
// finding is refused whole by the loader.

import { maxFileBytes, readYaml } from '../lib/yaml-document.ts';
import type { YamlEntry, YamlNode } from '../lib/yaml-tree.ts';
import type { CheckOptions } from './check-options.ts';
import { clip } from './condition-lexer.ts';
import type { Expression } from './expression.ts';
import type { PolicyDocument, RuleDocument } from './policy-document.ts';
import type { Place, PolicyFinding } from './policy-finding.ts';
import { reportError } from './policy-finding.ts';
import type { PolicyText } from './policy-texts.ts';
import { policyTexts } from './policy-texts.ts';
import type { RulePlace } from './rule-reader.ts';
import { isName, policyKeyMend, readMode, readRule } from './rule-reader.ts';
import { readTarget } from './target-reader.ts';
import { reportWrong, YamlFields } from './yaml-fields.ts';

const policyKeys = ['description', 'principals', 'default_decision', 'mode', 'dry_run', 'rules', 'tests'];
const policyKey = /^policy[ \t]+(?:("(?:[^"\\]|\\.)*")|([A-Za-z0-9._-]+))$/;

/** Most rules of a bundle. */
export const maxRules = 100_000;

export interface PolicyFile {
  readonly policies: readonly PolicyDocument[];
  readonly findings: readonly PolicyFinding[];
}

/** Reads one file. Never throws for what is in the text. */
export function readPolicyFile(text: string, file: string, options: CheckOptions): PolicyFile {
  const reading = readPolicyFileInSteps(text, file, options);
  for (;;) {
    const step = reading.next();
    if (step.done === true) return step.value;
  }
}

/** Reads one file, one policy a step, so that a large one need not hold up the loop. Yields characters read. */
export function* readPolicyFileInSteps(
  text: string,
  file: string,
  options: CheckOptions,
): Generator<number, PolicyFile> {
  if (Buffer.byteLength(text) > maxFileBytes) {
    const findings: PolicyFinding[] = [];
    const place = { policy: null, rule: null, report: (finding: PolicyFinding) => findings.push(finding) };
    const message = `a policy file has at most ${maxFileBytes / 1024 / 1024} MiB`;
    reportError(place, { code: 'E-LIMIT', message, position: { file, line: 1, column: 1 } });
    return { policies: [], findings };
  }
  const policies: PolicyDocument[] = [];
  const context = { file, options, read: new Map<string, Expression>() };
  const parts = policyTexts(text);
  // To cut a large file takes as long as to read some of its policies.
  if (parts.length > 1) yield text.length;
  for (const part of parts) {
    const read = readPart(part, context);
    // A cut in the wrong place shows as a fault, and so does any fault: the whole text then says what is wrong.
    if (read.findings.length > 0) return readPart({ text, linesBefore: 0 }, context);
    policies.push(...read.policies);
    yield part.text.length;
  }
  // A key given twice shows only in the whole.
  const isDoubled = new Set(policies.map((policy) => policy.name)).size < policies.length;
  return isDoubled ? readPart({ text, linesBefore: 0 }, context) : { policies, findings: [] };
}

interface FileContext extends Pick<RulePlace, 'options' | 'read'> {
  readonly file: string;
}

function readPart({ text, linesBefore }: PolicyText, { file, ...context }: FileContext): PolicyFile {
  const findings: PolicyFinding[] = [];
  const place: RulePlace = { policy: null, rule: null, ...context, report: (finding) => findings.push(finding) };
  const { roots, faults } = readYaml(text, file, linesBefore);
  for (const fault of faults) reportError(place, { code: 'E-YAML', ...fault });
  // After a fault of syntax the tree is a guess; findings about it would mislead.
  const policies = faults.length > 0 ? [] : roots.flatMap((root) => readRoot(root, place));
  // INVARIANT: a policy that lost a restriction to a fault never leaves this function.
  return { policies: findings.some((finding) => finding.severity === 'error') ? [] : policies, findings };
}

function readRoot(root: YamlNode, place: RulePlace): readonly PolicyDocument[] {
  if (root.kind !== 'map') {
    reportWrong(place, root, 'a mapping of `policy "NAME"` to a policy');
    return [];
  }
  return root.entries.flatMap((entry) => {
    const name = nameOf(entry, place);
    const policy = name === null ? null : readPolicy(name, entry, { ...place, policy: name });
    return policy === null ? [] : [policy];
  });
}

function nameOf(entry: YamlEntry, place: Place): string | null {
  const match = policyKey.exec(entry.key);
  const name = match === null ? null : (match[2] ?? unquoted(match[1]!));
  if (name !== null && isName(name)) return name;
  const message =
    match === null ? `unknown key \`${clip(entry.key)}\`` : 'the name of a policy has 1 to 200 visible characters';
  reportError(place, { code: 'L-KEY', message, mend: policyKeyMend(entry.key), position: entry.keyPosition });
  return null;
}

function unquoted(quoted: string): string | null {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return null;
  }
}

function readPolicy(name: string, entry: YamlEntry, place: RulePlace): PolicyDocument | null {
  if (entry.value.kind !== 'map') {
    reportWrong(place, entry.value, 'a policy: a mapping with `rules`');
    return null;
  }
  const fields = new YamlFields(entry.value, policyKeys, place);
  const principals = fields.node('principals');
  const rules = fields.required('rules');
  return {
    name,
    description: fields.text('description'),
    mode: readMode(fields, place),
    defaultDecision: fields.word('default_decision', ['deny', 'allow']) ?? 'deny',
    principals: principals && readTarget(principals, place, 'principal'),
    rules: rules === null ? [] : readRules(rules, place),
    tests: fields.node('tests'),
    position: entry.keyPosition,
  };
}

function readRules(node: YamlNode, place: RulePlace): readonly RuleDocument[] {
  if (node.kind !== 'list') {
    reportWrong(place, node, 'a list of rules');
    return [];
  }
  const names = new Set<string>();
  const rules: RuleDocument[] = [];
  for (const item of node.items) {
    const rule = readRule(item, place);
    if (rule === null) continue;
    if (names.has(rule.name)) {
      const message = `the policy has two rules named \`${clip(rule.name)}\``;
      reportError(
        { ...place, rule: rule.name },
        { code: 'L-KEY', message, mend: 'give each its own name', position: rule.position },
      );
    }
    names.add(rule.name);
    rules.push(rule);
  }
  return rules;
}
