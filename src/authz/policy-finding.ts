// What is wrong, or doubtful, in a policy. Codes are the names of lint rules (`L-KEY`), or `E-YAML`, `E-YAML-1` and
// `E-LIMIT` for text that cannot be read.

import type { SourcePosition } from '../errors.ts';
import { PosternError } from '../errors.ts';
import type { Finding } from '../lib/finding.ts';
import { compareFindings } from '../lib/finding.ts';

/** A finding that knows the policy and rule it is in; null outside of one. */
export interface PolicyFinding extends Finding {
  readonly position: SourcePosition;
  readonly policy: string | null;
  readonly rule: string | null;
}

/** Where in a bundle the reader is, and where its findings go. */
export interface Place {
  readonly policy: string | null;
  readonly rule: string | null;
  readonly report: (finding: PolicyFinding) => void;
}

/** Reports a fault that refuses the bundle. */
export function reportError(
  place: Place,
  fault: {
    readonly code: string;
    readonly message: string;
    readonly mend?: string | null;
    readonly position: SourcePosition;
  },
): void {
  const { code, message, mend, position } = fault;
  const { policy, rule } = place;
  place.report({ code, severity: 'error', message, mend: mend ?? '', position, policy, rule });
}

/** `did you mean …?` for a name near to a known one; empty where none is near. */
export function didYouMean(nearest: string | null): string {
  return nearest === null ? '' : `did you mean \`${nearest}\`?`;
}

/** The error of a bundle that was refused; it carries all findings, in the order of the files. */
export function policyInvalid(findings: readonly PolicyFinding[]): PosternError {
  const ordered = [...findings].sort(compareFindings) as PolicyFinding[];
  const errors = ordered.filter((finding) => finding.severity === 'error');
  const first = errors[0];
  if (first === undefined) throw new TypeError('a bundle without errors is not invalid');
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : '';
  return new PosternError('ERR_POLICY_INVALID', `${first.message} [${first.code}]${more}`, {
    position: first.position,
    findings: ordered,
    ...(first.mend === '' ? {} : { mend: first.mend }),
  });
}
