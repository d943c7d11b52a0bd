// An explanation for people: the decision first, then what was nearest, then every rule that was looked at.

import type { ActionReport, Explanation, NearestRule, PolicyReport, RuleReport } from './explain.ts';
import type { ClauseReport, FactReport } from './explain-clause.ts';

const marks = { true: '✓', false: '✗', unknown: '?' } as const;

/** Several lines of plain text, without a line break at the end. */
export function explanationText(explanation: Explanation): string {
  const { answer, actions } = explanation;
  const lines = [headline(explanation)];
  if (answer.overrode.length > 0) lines.push(`overrode: ${answer.overrode.join(', ')}`);
  for (const { rule, attributes } of answer.indeterminate)
    lines.push(`could not tell: ${rule}, for want of ${attributes.join(', ')}`);
  if (answer.obligations.credential_ttl_s !== undefined)
    lines.push(`obligation: judged again after ${answer.obligations.credential_ttl_s} s`);
  if (answer.shadow !== null) lines.push(shadowLine(answer.shadow));
  for (const action of actions) lines.push('', ...actionLines(action, explanation));
  return lines.join('\n');
}

function headline({ answer, policy_count, rule_count }: Explanation): string {
  const where = answer.rule === null ? answer.policy : `${answer.policy}/${answer.rule}`;
  const by = where === null ? '' : ` by ${where}`;
  return `${answer.decision.toUpperCase()} (${answer.reason})${by}; ${counted(policy_count, 'policy', 'policies')}, ${counted(rule_count, 'rule', 'rules')}`;
}

function shadowLine(shadow: NonNullable<Explanation['answer']['shadow']>): string {
  const where = shadow.policy === null ? '' : ` by ${shadow.policy}${shadow.rule === null ? '' : `/${shadow.rule}`}`;
  return `shadow: ${shadow.decision}${where}${shadow.would_change ? ', which would change the decision' : ''}`;
}

function actionLines(report: ActionReport, explanation: Explanation): readonly string[] {
  const lines = [`action ${report.names.join(', ')}`];
  if (report.policies.length === 0) lines.push(`  no policy applies to this caller (of ${explanation.policy_count})`);
  if (report.nearest !== null) lines.push(...nearestLines(report.nearest));
  for (const policy of report.policies) lines.push(...policyLines(policy));
  return lines;
}

function nearestLines({ policy, rule, file, line, failed }: NearestRule): readonly string[] {
  const count = failed.length === 1 ? 'one requirement failed' : `${failed.length} requirements failed`;
  return [
    `  nearest: ${policy}/${rule} (${file}:${line}), ${count}`,
    ...failed.flatMap((clause) => clauseLines(clause, '    ')),
  ];
}

function policyLines(report: PolicyReport): readonly string[] {
  const mode = report.mode === 'enforce' ? '' : `, ${report.mode}`;
  const applies = report.applies === 'true' ? 'applies' : 'may apply: its principals cannot be told';
  return [
    `  policy ${report.policy} (${report.file}:${report.line}) ${applies}, default ${report.default_decision}${mode}`,
    ...report.principals.flatMap((clause) => clauseLines(clause, '    ')),
    ...report.rules.flatMap(ruleLines),
  ];
}

function ruleLines(report: RuleReport): readonly string[] {
  const mode = report.mode === 'enforce' ? '' : `, ${report.mode}`;
  const priority = report.priority === 0 ? '' : `, priority ${report.priority}`;
  const result = report.fires ? 'fires' : 'does not fire';
  return [
    `    ${marks[report.match]} ${report.effect} ${report.rule} (line ${report.line}${priority}${mode}): ${report.match}, ${result}`,
    ...report.clauses.flatMap((clause) => clauseLines(clause, '        ')),
  ];
}

function clauseLines(clause: ClauseReport, indent: string): readonly string[] {
  const lines = [`${indent}${marks[clause.value]} ${clause.text}`];
  if (clause.value === 'true') return lines;
  return [...lines, ...clause.facts.map((fact) => `${indent}    ${factText(fact)}`)];
}

function factText({ attribute, expected, actual }: FactReport): string {
  return `${attribute}: expected ${expected}, actual ${actual}`;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
