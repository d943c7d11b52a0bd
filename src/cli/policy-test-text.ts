// How `postern policy test` tells what came of the tests.

import { explanationText } from '../authz/explain-text.ts';
import type { CaseOutcome, CaseReport, RulePlaceName } from '../authz/policy-case-run.ts';
import { formatPosition } from '../lib/finding.ts';
import type { Paint } from '../lib/paint.ts';
import { printable } from '../lib/printable-text.ts';

/** Failures with their explanation, then a summary; ends with a line end. */
export function testReportText(report: CaseReport, paint: Paint): string {
  const failures = report.outcomes.filter((outcome) => outcome.differences.length > 0);
  const lines = failures.flatMap((outcome) => failureLines(outcome, paint));
  lines.push(...report.neverDecisive.map(neverLine), summary(report));
  return `${lines.join('\n')}\n`;
}

function failureLines({ case: one, differences, explanation }: CaseOutcome, paint: Paint): readonly string[] {
  const explained = explanation === null ? [] : explanationText(explanation).split('\n');
  return [
    `${paint.red('FAILED')} ${printable(`${formatPosition(one.position)}: ${one.name}`)}`,
    ...differences.map((difference) => `  ${printable(difference)}`),
    ...explained.map((line) => printable(line === '' ? '' : `    ${line}`)),
    '',
  ];
}

function neverLine({ policy, rule, position }: RulePlaceName): string {
  return printable(`${formatPosition(position)}: no test is decided by ${policy}/${rule}`);
}

function summary({ outcomes, failed, rules, neverDecisive }: CaseReport): string {
  const decisive = rules - neverDecisive.length;
  return `${outcomes.length - failed} passed, ${failed} failed; ${decisive} of ${rules} rules decide a test`;
}

/** The form of `--json`; its keys are API. */
export function testReportJson(report: CaseReport): unknown {
  const { outcomes, failed, rules, neverDecisive } = report;
  return {
    ok: failed === 0,
    passed: outcomes.length - failed,
    failed,
    cases: outcomes.map(({ case: one, answer, differences, explanation }) => ({
      name: one.name,
      position: one.position,
      passed: differences.length === 0,
      differences,
      answer,
      explanation,
    })),
    coverage: { rules, decisive: rules - neverDecisive.length, never_decisive: neverDecisive },
  };
}
