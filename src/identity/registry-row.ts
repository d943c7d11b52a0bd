// One row of the registry of identities. Whatever is not plainly known is a fault: a misspelt `environment` must not leave
// somebody in the environment that their certificate names.

import type { Finding } from '../lib/finding.ts';
import { type Glob, isGlobFault, parseGlob } from '../lib/glob.ts';
import { nearestWord } from '../lib/nearest-word.ts';
import type { SourcePosition } from '../lib/source-position.ts';
import type { YamlEntry, YamlMap, YamlNode } from '../lib/yaml-tree.ts';
import { isCaptureName } from './id-pattern.ts';
import type { RegistryEntry } from './registry.ts';
import { shown } from './shown-text.ts';
import { spiffeIdFault } from './spiffe-id.ts';

const words = ['owner', 'purpose', 'environment', 'namespace', 'service_account', 'attestation'] as const;
const known: readonly string[] = ['spiffe_id', ...words, 'labels'];
/** What is a label for policy, and a key of its own here. */
const labelWords: readonly string[] = ['owner', 'purpose'];
const maxTextLength = 256;

/** Where faults go. */
export type Findings = Finding[];

/** Reads a row; null where it has a fault, which is then among `findings`. */
export function readRegistryRow(node: YamlNode, findings: Findings): RegistryEntry | null {
  const faultsBefore = findings.length;
  if (node.kind !== 'map') {
    tell(findings, node.position, 'a row that is no mapping', 'write for example `- { spiffe_id: …, owner: … }`');
    return null;
  }
  const row = new Row(node, findings);
  const glob = row.pattern();
  const values = new Map(words.map((word) => [word, row.text(word)]));
  const labels = row.labels();
  if (findings.length > faultsBefore || glob === null) return null;
  for (const word of ['owner', 'purpose'] as const) {
    const value = values.get(word);
    if (value !== undefined) labels.set(word, value);
  }
  return Object.freeze({
    glob,
    owner: values.get('owner'),
    purpose: values.get('purpose'),
    namespace: values.get('namespace'),
    serviceAccount: values.get('service_account'),
    environment: values.get('environment'),
    attestation: values.get('attestation'),
    labels,
  });
}

class Row {
  readonly #map: YamlMap;
  readonly #findings: Findings;

  constructor(map: YamlMap, findings: Findings) {
    this.#map = map;
    this.#findings = findings;
    for (const entry of map.entries) if (!known.includes(entry.key)) this.#refuseKey(entry);
    if (map.entries.length < 2) tell(findings, map.position, 'a row that says nothing of its identity', 'add `owner`');
  }

  pattern(): Glob | null {
    const node = this.#node('spiffe_id');
    if (node === undefined) {
      tell(this.#findings, this.#map.position, '`spiffe_id` is missing', 'name the identity, or a pattern of several');
      return null;
    }
    const text = this.#textOf('spiffe_id', node, 2048);
    if (text === undefined) return null;
    const glob = parseGlob(text, { separator: '/', foldCase: false });
    const fault = isGlobFault(glob) ? glob.fault : patternFault(text);
    if (fault === null && !isGlobFault(glob)) return glob;
    tell(this.#findings, node.position, `\`spiffe_id\` ${shown(text)} ${fault}`);
    return null;
  }

  text(key: string): string | undefined {
    const node = this.#node(key);
    return node === undefined ? undefined : this.#textOf(key, node, maxTextLength);
  }

  labels(): Map<string, string> {
    const labels = new Map<string, string>();
    const node = this.#node('labels');
    if (node === undefined) return labels;
    if (node.kind !== 'map') {
      tell(this.#findings, node.position, '`labels` is no mapping', 'write for example `labels: { tier: gold }`');
      return labels;
    }
    for (const { key, keyPosition, value } of node.entries) {
      if (labelWords.includes(key)) {
        tell(this.#findings, keyPosition, `\`${key}\` stands among the labels`, `write \`${key}\` beside \`labels\``);
      } else if (isCaptureName(`labels.${key}`)) {
        const text = this.#textOf(`labels.${key}`, value, maxTextLength);
        if (text !== undefined) labels.set(key, text);
      } else {
        tell(
          this.#findings,
          keyPosition,
          `label name ${shown(key)} is not made of letters, digits, \`_\`, \`.\`, \`-\``,
        );
      }
    }
    return labels;
  }

  #node(key: string): YamlNode | undefined {
    return this.#map.entries.find((entry) => entry.key === key)?.value;
  }

  #textOf(key: string, node: YamlNode, maxLength: number): string | undefined {
    const value = node.kind === 'scalar' ? node.value : undefined;
    // `tier: 1` would be a number, and a policy that compares text would never match it.
    if (typeof value === 'string' && value !== '' && value.length <= maxLength) return value;
    const isLong = typeof value === 'string' && value !== '';
    const message = isLong ? `\`${key}\` is longer than ${maxLength} characters` : `\`${key}\` is no text`;
    tell(this.#findings, node.position, message, isLong ? 'shorten it' : 'write it in quotes, or leave the key out');
    return undefined;
  }

  #refuseKey({ key, keyPosition }: YamlEntry): void {
    const near = nearestWord(key, known);
    const mend = near === null ? `known: ${known.join(', ')}; anything else is a label` : `did you mean \`${near}\`?`;
    tell(this.#findings, keyPosition, `unknown key ${shown(key)}`, mend);
  }
}

/** A partner's trust domain must not be drawn into what somebody meant for their own. */
function patternFault(text: string): string | null {
  const trustDomain = text.split('/')[2] ?? '';
  if (trustDomain.includes('*')) return 'has a wildcard in its trust domain: write a row for each';
  const fault = spiffeIdFault(text.replaceAll('*', 'x'));
  return fault === null ? null : `${fault}, so no ID can match it`;
}

/** Adds a fault. */
export function tell(findings: Findings, position: SourcePosition, message: string, mend?: string): void {
  const code = 'ERR_REGISTRY_INVALID';
  findings.push({ code, severity: 'error', message, mend: mend ?? 'see docs/identity.md, "Registry"', position });
}
