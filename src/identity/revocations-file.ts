// Reads `revocations.yaml`. A list that is damaged must not become a shorter one, so whatever is not plainly a list of
// known rows is refused whole.

import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { PosternError } from '../errors.ts';
import type { Finding } from '../lib/finding.ts';
import { isGlobFault, parseGlob } from '../lib/glob.ts';
import { nearestWord } from '../lib/nearest-word.ts';
import { fingerprintOf, type Revocation, type RevokedBy, serialOf } from './revocation-list.ts';
import { shown } from './shown-text.ts';
import { spiffeIdFault } from './spiffe-id.ts';
import { trustDomainFault } from './trust-domain.ts';

/** Largest file, bytes; some 40,000 rows. */
export const maxRevocationBytes = 4 * 1024 * 1024;

const subjects: readonly RevokedBy[] = ['spiffe_id', 'serial', 'fingerprint_sha256', 'jti'];
const known: readonly string[] = [...subjects, 'trust_domain', 'reason', 'until'];

/**
 * Reads all rows.
 * @throws PosternError ERR_REVOCATIONS_INVALID with a finding for each fault
 */
export function parseRevocations(text: string, file: string): readonly Revocation[] {
  const reader = new Reader(text, file);
  const rows = reader.rows();
  if (reader.findings.length === 0) return rows;
  const [first] = reader.findings;
  throw new PosternError('ERR_REVOCATIONS_INVALID', first!.message, {
    findings: reader.findings,
    ...(first!.position === undefined ? {} : { position: first!.position }),
  });
}

class Reader {
  readonly findings: Finding[] = [];
  readonly #text: string;
  readonly #file: string;
  readonly #lines = new LineCounter();

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  rows(): Revocation[] {
    const root = this.#root();
    if (this.findings.length > 0) return [];
    const list = isMap(root) ? root.get('revocations', true) : undefined;
    if (!isMap(root) || !isSeq(list)) {
      this.#fault(0, 'no list `revocations`', 'write `revocations: []` where nothing is revoked');
      return [];
    }
    this.#refuseUnknown(root, ['revocations']);
    return list.items.flatMap((item) => this.#row(item as Node));
  }

  #root(): Node | null {
    try {
      const document = parseDocument(this.#text, { lineCounter: this.#lines, uniqueKeys: true, schema: 'core' });
      for (const error of document.errors) this.#fault(error.pos[0], error.message.split('\n')[0]!);
      return document.contents;
    } catch (error) {
      // The parser recurses: thousands of brackets end its stack.
      this.#fault(0, `not readable as YAML: ${error instanceof Error ? error.message : 'unknown fault'}`);
      return null;
    }
  }

  #row(item: Node): Revocation[] {
    const at = item.range?.[0] ?? 0;
    if (!isMap(item)) {
      this.#fault(at, 'a row that is no map', 'write for example `- { serial: "0A1B", reason: key leaked }`');
      return [];
    }
    this.#refuseUnknown(item, known);
    const named = subjects.filter((key) => item.has(key));
    const by = named[0];
    if (by === undefined || named.length > 1) {
      this.#fault(at, 'a row names exactly one credential', `by one of ${subjects.join(', ')}`);
      return [];
    }
    const subject = this.#subject(item, by);
    const reason = this.#words(item, 'reason', at);
    const trustDomain = this.#trustDomain(item, by);
    const untilMs = this.#until(item);
    if (subject === null || reason === null || trustDomain === undefined || untilMs === undefined) return [];
    return [Object.freeze({ by, ...subject, trustDomain, reason, untilMs })];
  }

  #subject(row: YAMLMap, by: RevokedBy): Pick<Revocation, 'value' | 'glob'> | null {
    const text = this.#words(row, by, 0);
    if (text === null) return null;
    if (by === 'spiffe_id') return this.#pattern(row, text);
    if (by === 'jti') return { value: text, glob: null };
    const value = by === 'serial' ? serialOf(text) : fingerprintOf(text);
    if (value !== null) return { value, glob: null };
    this.#fault(placeOf(row, by), `\`${by}\` ${shown(text)} is not hex${by === 'serial' ? '' : ' of 32 bytes'}`);
    return null;
  }

  #pattern(row: YAMLMap, text: string): Pick<Revocation, 'value' | 'glob'> | null {
    const glob = parseGlob(text, { separator: '/', foldCase: false });
    const fault = isGlobFault(glob) ? glob.fault : spiffeIdFault(text.replaceAll('*', 'x'));
    if (!isGlobFault(glob) && fault === null) return { value: text, glob };
    this.#fault(placeOf(row, 'spiffe_id'), `\`spiffe_id\` ${shown(text)} ${fault}, so no ID can match it`);
    return null;
  }

  #trustDomain(row: YAMLMap, by: RevokedBy): string | null | undefined {
    if (!row.has('trust_domain')) return null;
    const text = this.#words(row, 'trust_domain', 0);
    if (text === null) return undefined;
    if (by === 'serial' && trustDomainFault(text) === null) return text;
    const what = by === 'serial' ? `${shown(text)} is no trust domain` : 'narrows a serial, and nothing else';
    this.#fault(placeOf(row, 'trust_domain'), `\`trust_domain\` ${what}`);
    return undefined;
  }

  #until(row: YAMLMap): number | null | undefined {
    if (!row.has('until')) return null;
    const text = this.#words(row, 'until', 0);
    if (text === null) return undefined;
    const form = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
    const untilMs = form.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(untilMs)) return untilMs;
    this.#fault(placeOf(row, 'until'), `\`until\` ${shown(text)} is no time`, 'write it as 2026-12-24T18:00:00Z');
    return undefined;
  }

  #words(row: YAMLMap, key: string, at: number): string | null {
    const node = row.get(key, true);
    // `serial: 0123` would be read as a number and lose what was written.
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'string' && value !== '' && value.length <= 2048) return value;
    const mend = node === undefined ? `add \`${key}\`` : 'write it in quotes';
    this.#fault(node === undefined ? at : placeOf(row, key), `\`${key}\` is no text`, mend);
    return null;
  }

  #refuseUnknown(map: YAMLMap, allowed: readonly string[]): void {
    for (const { key } of map.items) {
      const name = isScalar(key) ? String(key.value) : '';
      if (allowed.includes(name)) continue;
      const near = nearestWord(name, allowed);
      const mend = near === null ? `known: ${allowed.join(', ')}` : `did you mean \`${near}\`?`;
      this.#fault((key as Node).range?.[0] ?? 0, `unknown key ${shown(name)}`, mend);
    }
  }

  #fault(offset: number, message: string, mend = 'see docs/identity.md, "Revoke"'): void {
    const { line, col } = this.#lines.linePos(offset);
    const position = { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
    this.findings.push({ code: 'ERR_REVOCATIONS_INVALID', severity: 'error', message, mend, position });
  }
}

function placeOf(map: YAMLMap, key: string): number {
  const node = map.get(key, true) as Node | undefined;
  return node?.range?.[0] ?? map.range?.[0] ?? 0;
}
