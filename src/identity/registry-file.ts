// Reads `identities.yaml` whole or not at all. Large files are read in parts, between which requests are served.

import { PosternError } from '../errors.ts';
import { readYaml } from '../lib/yaml-document.ts';
import { readPlainYaml } from '../lib/yaml-plain.ts';
import type { YamlNode, YamlReading } from '../lib/yaml-tree.ts';
import { IdentityRegistry, type RegistryEntry } from './registry.ts';
import { type Findings, readRegistryRow, tell } from './registry-row.ts';
import { shown } from './shown-text.ts';
import type { FileForm, WatchedFile } from './watched-file.ts';
import { readForm } from './watched-file.ts';

/** The registry in force. */
export type Registry = WatchedFile<IdentityRegistry>;

/** How `identities.yaml` is read; 8 MiB are some 40,000 rows. */
export const registryForm: FileForm<IdentityRegistry> = Object.freeze({
  what: 'registry of identities',
  code: 'ERR_REGISTRY_INVALID',
  maxBytes: 8 * 1024 * 1024,
  mendTooLarge: 'say what several identities share by one pattern',
  none: IdentityRegistry.empty,
  parse: parseRegistry,
});

/** Reads a registry once; null: an empty one. @throws PosternError ERR_REGISTRY_INVALID, ERR_IDENTITY_FILE */
export function readRegistry(file: string | null): Promise<IdentityRegistry> {
  return readForm(registryForm, file);
}

/** Lines that are read between two turns of the loop, a few milliseconds of work. */
const linesEachTurn = 250;
const maxFindings = 100;
const rootKey = 'identities';

/** Reads all rows. @throws PosternError ERR_REGISTRY_INVALID with a finding for each fault */
export async function parseRegistry(text: string, file: string): Promise<IdentityRegistry> {
  const findings: Findings = [];
  const entries: RegistryEntry[] = [];
  const seen = new Set<string>();
  for (const nodes of (await plainParts(text, file)) ?? [wholeRows(text, file, findings)]) {
    for (const node of nodes) {
      if (findings.length >= maxFindings) break;
      const entry = readRegistryRow(node, findings);
      if (entry === null) continue;
      const { pattern } = entry.glob;
      if (seen.has(pattern))
        tell(findings, node.position, `${shown(pattern)} has two rows`, 'rows are not merged: make them one');
      seen.add(pattern);
      entries.push(entry);
    }
    await turn();
  }
  if (findings.length === 0) return new IdentityRegistry(entries);
  const [first] = findings;
  throw new PosternError('ERR_REGISTRY_INVALID', first!.message, {
    findings,
    mend: first!.mend,
    ...(first!.position === undefined ? {} : { position: first!.position }),
  });
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** The rows of a file in parts, or null where only a whole reading can tell what it says, or what is wrong with it. */
async function plainParts(text: string, file: string): Promise<(readonly YamlNode[])[] | null> {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => !/^ *(?:#.*)?$/.test(line));
  if (lines[start]?.trimEnd() !== `${rootKey}:`) return null;
  const marker = /^ *- /.exec(lines[start + 1] ?? '')?.[0];
  if (marker === undefined) return null;
  const parts: (readonly YamlNode[])[] = [];
  for (let from = start + 1; from < lines.length; ) {
    let to = Math.min(from + linesEachTurn, lines.length);
    while (to < lines.length && !lines[to]!.startsWith(marker)) to++;
    const rows = plainRows(lines.slice(from, to), file, from);
    if (rows === null) return null;
    parts.push(rows);
    from = to;
    await turn();
  }
  return parts;
}

/** A part stands under a key of its own, on the line before it. */
function plainRows(lines: readonly string[], file: string, linesBefore: number): readonly YamlNode[] | null {
  const root = readPlainYaml(`${rootKey}:\n${lines.join('\n')}`, file, linesBefore - 1);
  const [entry, ...others] = root?.entries ?? [];
  return entry?.value.kind === 'list' && others.length === 0 ? entry.value.items : null;
}

function wholeRows(text: string, file: string, findings: Findings): readonly YamlNode[] {
  const { roots, faults }: YamlReading = readYaml(text, file);
  for (const { position, message, mend } of faults) tell(findings, position, message, mend ?? undefined);
  if (faults.length > 0) return [];
  const [root] = roots;
  const place = root?.position ?? { file, line: 1, column: 1 };
  if (root?.kind !== 'map' || roots.length > 1) {
    tell(
      findings,
      place,
      `no single mapping with the list \`${rootKey}\``,
      `write \`${rootKey}: []\` where there are none`,
    );
    return [];
  }
  for (const { key, keyPosition } of root.entries) {
    if (key !== rootKey) tell(findings, keyPosition, `unknown key ${shown(key)}`, `known: ${rootKey}`);
  }
  const list = root.entries.find(({ key }) => key === rootKey)?.value;
  if (list?.kind === 'list') return list.items;
  tell(findings, list?.position ?? place, `no list \`${rootKey}\``, `write \`${rootKey}: []\` where there are none`);
  return [];
}
