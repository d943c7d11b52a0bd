// One fault found in what an operator wrote (configuration, policy, identity files), in the form in which every command
// prints it. Codes are error codes or lint rule names.

import { printable } from './printable-text.ts';
import type { SourcePosition } from './source-position.ts';

/** A fault with its place and how to mend it. `error`: the input is refused; `warning` and `info`: it works, but look. */
export interface Finding {
  /** An ErrorCode, or the name of a lint rule such as `L-KEY`. */
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly mend: string;
  /** Undefined where the fault is of no one place in a file. */
  readonly position: SourcePosition | undefined;
}

/** `file:line:column`, counted from 1. */
export function formatPosition(position: SourcePosition): string {
  return `${position.file}:${position.line}:${position.column}`;
}

/** One line: `file:line:column: severity: message [code]; mend`. */
export function formatFinding(finding: Finding): string {
  const place = finding.position === undefined ? '' : `${formatPosition(finding.position)}: `;
  const mend = finding.mend === '' ? '' : `; ${finding.mend}`;
  return printable(`${place}${finding.severity}: ${finding.message} [${finding.code}]${mend}`);
}

/** By file, then line, then column; findings without a place come first. For `Array.sort`. */
export function compareFindings(a: Finding, b: Finding): number {
  const [left, right] = [a.position, b.position];
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return left.line - right.line || left.column - right.column;
}
