// Waivers: `# lint-allow: L-TTL reason`, at the end of a line or on a line of its own before it. A waiver on the line of a
// rule covers the whole rule. What it waives nothing of is itself found, so that none outlives its cause.

import { Lexer } from 'yaml';
import type { PolicySource } from '../loader.ts';
import type { PolicyDocument } from '../policy-document.ts';
import type { PolicyFinding } from '../policy-finding.ts';
import { policyTexts } from '../policy-texts.ts';

/** The id of findings about waivers. */
export const waiverId = 'L-WAIVER';

interface Waiver {
  readonly id: string;
  readonly reason: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Line that it speaks of. */
  readonly target: number;
}

export interface WaiverRules {
  /** Ids of rules that were run; a waiver of another may be needed elsewhere. */
  readonly run: ReadonlySet<string>;
  /** Ids of all rules that may be waived. */
  readonly known: ReadonlySet<string>;
}

/** The findings that are left, with those about the waivers themselves. Yields after each part of a text that holds waivers. */
export function* applyWaivers(
  findings: readonly PolicyFinding[],
  bundle: { readonly sources: readonly PolicySource[]; readonly policies: readonly PolicyDocument[] },
  rules: WaiverRules,
): Generator<void, readonly PolicyFinding[]> {
  const waivers: Waiver[] = [];
  for (const source of bundle.sources) yield* collectWaivers(source, waivers);
  if (waivers.length === 0) return findings;
  const lines = ruleLines(bundle.policies);
  const byPlace = Map.groupBy(
    waivers.filter(({ reason }) => reason !== ''),
    placeOf,
  );
  const used = new Set<Waiver>();
  const left = findings.filter((finding) => {
    const covering = linesOf(finding, lines).flatMap((line) => byPlace.get(placeOfFinding(finding, line)) ?? []);
    for (const waiver of covering) used.add(waiver);
    return covering.length === 0;
  });
  return [...left, ...waivers.flatMap((waiver) => faultsOf(waiver, used.has(waiver), rules))];
}

const waiverText = /^#\s*lint-allow:\s*(\S+)?\s*(.*)$/;

function* collectWaivers({ file, text }: PolicySource, waivers: Waiver[]): Generator<void, void> {
  if (!text.includes('lint-allow:')) return;
  const lines = text.split('\n');
  for (const part of policyTexts(text)) {
    if (!part.text.includes('lint-allow:')) continue;
    for (const { comment, line: ownLine, column } of commentsOf(part.text)) {
      const match = waiverText.exec(comment);
      if (match === null) continue;
      const line = part.linesBefore + ownLine;
      const isAlone = lines[line - 1]!.slice(0, column - 1).trim() === '';
      const target = isAlone ? nextLine(lines, line) : line;
      waivers.push({ id: match[1] ?? '', reason: (match[2] ?? '').trim(), file, line, column, target });
    }
    yield;
  }
}

/** Comments as YAML sees them: a `#` in a string is none. */
function commentsOf(text: string) {
  const found: { readonly comment: string; readonly line: number; readonly column: number }[] = [];
  let [line, column] = [1, 1];
  for (const token of new Lexer().lex(text)) {
    if (isMark(token)) continue;
    // No scalar starts so: a plain one may not, a quoted one has its quote, a block its indentation.
    if (token.startsWith('#')) found.push({ comment: token.trimEnd(), line, column });
    const lastBreak = token.lastIndexOf('\n');
    line += token.split('\n').length - 1;
    column = lastBreak < 0 ? column + token.length : token.length - lastBreak;
  }
  return found;
}

/** Tokens of the lexer that stand for no text: begin of a document, end of a flow, a scalar follows. */
function isMark(token: string): boolean {
  return token === '\u0002' || token === '\u0018' || token === '\u001f';
}

function nextLine(lines: readonly string[], after: number): number {
  for (let at = after; at < lines.length; at++) {
    const text = lines[at]!.trim();
    if (text !== '' && !text.startsWith('#')) return at + 1;
  }
  return after;
}

/** Line of each rule, by its policy and name. */
function ruleLines(policies: readonly PolicyDocument[]): ReadonlyMap<string, number> {
  return new Map(
    policies.flatMap(({ name, rules }) => rules.map((rule) => [JSON.stringify([name, rule.name]), rule.position.line])),
  );
}

/** Lines on which a waiver covers the finding: its own, and that of the rule it is in. */
function linesOf({ position, policy, rule }: PolicyFinding, lines: ReadonlyMap<string, number>): readonly number[] {
  const ruleLine = rule === null ? undefined : lines.get(JSON.stringify([policy, rule]));
  return ruleLine === undefined || ruleLine === position.line ? [position.line] : [position.line, ruleLine];
}

function placeOf({ id, file, target }: Waiver): string {
  return JSON.stringify([id, file, target]);
}

function placeOfFinding({ code, position }: PolicyFinding, line: number): string {
  return JSON.stringify([code, position.file, line]);
}

function faultsOf(waiver: Waiver, isUsed: boolean, { run, known }: WaiverRules): readonly PolicyFinding[] {
  const { id, reason, file, line, column } = waiver;
  const common = {
    code: waiverId,
    severity: 'warning',
    position: { file, line, column },
    policy: null,
    rule: null,
  } as const;
  if (!known.has(id)) {
    return [{ ...common, message: `\`${id}\` is no lint rule that can be waived`, mend: 'see docs/policy-lint.md' }];
  }
  if (reason === '') {
    return [
      { ...common, message: 'a waiver without a reason waives nothing', mend: `write \`# lint-allow: ${id} why\`` },
    ];
  }
  if (isUsed || !run.has(id)) return [];
  return [{ ...common, message: `there is no finding \`${id}\` here to waive`, mend: 'take the comment out' }];
}
