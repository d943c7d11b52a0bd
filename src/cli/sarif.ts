// Findings as SARIF 2.1.0, the form that code scanners and pull-request annotations read.

import { lintRules } from '../authz/lint/rule-table.ts';
import { waiverId } from '../authz/lint/waivers.ts';
import type { Finding } from '../lib/finding.ts';

/** SARIF 2.1.0 §3.27.10. */
const levels = { error: 'error', warning: 'warning', info: 'note' } as const;

/** One run with every lint rule and all findings. */
export function sarifLog(findings: readonly Finding[], version: string): unknown {
  const rules = [...lintRules, { id: waiverId, finds: 'a waiver that waives nothing, or lacks its reason' }];
  const driver = {
    name: 'postern policy lint',
    version,
    rules: rules.map(({ id, finds }) => ({ id, shortDescription: { text: finds } })),
  };
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver }, results: findings.map(resultOf) }],
  };
}

function resultOf({ code, severity, message, mend, position }: Finding) {
  return {
    ruleId: code,
    level: levels[severity],
    message: { text: mend === '' ? message : `${message}; ${mend}` },
    locations: position === undefined ? [] : [{ physicalLocation: locationOf(position) }],
  };
}

function locationOf({ file, line, column }: NonNullable<Finding['position']>) {
  const uri = file.split('/').map(encodeURIComponent).join('/');
  return { artifactLocation: { uri }, region: { startLine: line, startColumn: column } };
}
