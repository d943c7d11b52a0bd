// One rule of a policy document.

import { nearestWord } from '../lib/nearest-word.ts';
import type { YamlNode } from '../lib/yaml-tree.ts';
import { clip, durationMs } from './condition-lexer.ts';
import { type ConditionPlace, readConditions } from './condition-reader.ts';
import type { CredentialClause, Mode, RuleDocument } from './policy-document.ts';
import type { Place } from './policy-finding.ts';
import { didYouMean, reportError } from './policy-finding.ts';
import { readTarget } from './target-reader.ts';
import { parseTimestamp } from './timestamp.ts';
import { kindText, reportWrong, YamlFields } from './yaml-fields.ts';

const ruleKeys = [
  'name',
  'effect',
  'priority',
  'principals',
  'resources',
  'actions',
  'conditions',
  'credential',
  'obligations',
  'mode',
  'dry_run',
  'description',
  'expires',
];
const credentialKeys = ['type', 'ttl', 'auto_rotate'];
const none: readonly never[] = Object.freeze([]);
const maxPriority = 1_000_000;
const plainName = /^[A-Za-z0-9._/-]{1,200}$/;
const nameText = /^[^\p{C}\p{Zl}\p{Zp}]{1,200}$/u;

export type RulePlace = ConditionPlace;

/** Reads a rule; null if it has no name or effect. Faults are reported; a rule with faults is not used. */
export function readRule(node: YamlNode, policyPlace: RulePlace): RuleDocument | null {
  if (node.kind !== 'map') {
    reportWrong(policyPlace, node, 'a rule');
    return null;
  }
  const named = node.entries.find((entry) => entry.key === 'name')?.value;
  const rule = named?.kind === 'scalar' && typeof named.value === 'string' ? named.value : null;
  const { policy, options, read, report } = policyPlace;
  const place: RulePlace = { policy, rule, options, read, report };
  const fields = new YamlFields(node, ruleKeys, place);
  fields.required('name');
  fields.required('effect');
  const name = fields.text('name');
  const effect = fields.word('effect', ['allow', 'deny']);
  if (name !== null && !isName(name)) reportBadName(place, fields.node('name')!);
  if (name === null || effect === null) return null;
  const credential = readCredential(fields.node('credential'), place);
  if (credential !== null && effect === 'deny') {
    const message = 'a deny rule grants nothing, so it has no credential';
    reportError(place, { code: 'L-KEY', message, mend: 'take `credential` out', position: credential.position });
  }
  return {
    name,
    effect,
    credential,
    ...restrictions(fields, place),
    ...traits(fields, place),
    position: node.position,
  };
}

/** True for a name that can stand in a record, on one line. */
export function isName(text: string): boolean {
  return plainName.test(text) || (nameText.test(text) && text.trim() === text);
}

function reportBadName(place: Place, node: YamlNode): void {
  const message = 'a name has 1 to 200 visible characters';
  reportError(place, { code: 'L-KEY', message, position: node.position });
}

type Restrictions = Pick<RuleDocument, 'principals' | 'resources' | 'actions' | 'conditions'>;

function restrictions(fields: YamlFields, place: RulePlace): Restrictions {
  const principals = fields.node('principals');
  const resources = fields.node('resources');
  const actions = fields.node('actions');
  const conditions = fields.node('conditions');
  return {
    principals: principals && readTarget(principals, place, 'principal'),
    resources: resources && readTarget(resources, place, 'resource'),
    actions: actions && readActions(actions, place),
    conditions: conditions === null ? none : readConditions(conditions, place),
  };
}

type Traits = Pick<RuleDocument, 'priority' | 'mode' | 'description' | 'obligations' | 'expiresMs'>;

function traits(fields: YamlFields, place: Place): Traits {
  const priority = fields.integer('priority') ?? 0;
  if (Math.abs(priority) > maxPriority) {
    const message = `a priority is between -${maxPriority} and ${maxPriority}`;
    reportError(place, { code: 'L-KEY', message, position: fields.node('priority')!.position });
  }
  return {
    priority,
    mode: readMode(fields, place),
    description: fields.text('description'),
    obligations: readObligations(fields.node('obligations'), place),
    expiresMs: readExpires(fields, place),
  };
}

/** `mode`, or its alias `dry_run`. */
export function readMode(fields: YamlFields, place: Place): Mode {
  const mode = fields.word('mode', ['enforce', 'shadow', 'disabled']);
  const dryRun = fields.flag('dry_run');
  if (mode !== null && dryRun !== null) {
    const message = '`dry_run` is another word for `mode`';
    reportError(place, {
      code: 'L-KEY',
      message,
      mend: 'keep one of the two',
      position: fields.node('dry_run')!.position,
    });
  }
  return mode ?? (dryRun === true ? 'shadow' : 'enforce');
}

function readActions(node: YamlNode, place: Place): readonly string[] | null {
  if (node.kind !== 'list' || node.items.length === 0) {
    reportError(place, {
      code: 'L-KEY',
      message:
        node.kind === 'list' ? 'an empty list of actions' : `expected a list of actions, found ${kindText(node)}`,
      mend: 'write `actions: [read]`, or take the key out: absent means any',
      position: node.position,
    });
    return [];
  }
  const names: string[] = [];
  for (const item of node.items) {
    if (item.kind === 'scalar' && typeof item.value === 'string' && item.value !== '') names.push(item.value);
    else reportWrong(place, item, 'the name of an action');
  }
  if (names.length === 1 && names[0] === '*') return null;
  for (const name of names) {
    if (/^[^\s*]{1,512}$/.test(name)) continue;
    const message = `\`${clip(name)}\` is no name of an action`;
    reportError(place, {
      code: 'L-KEY',
      message,
      mend: 'for any action take `actions` out, or write ["*"] alone',
      position: node.position,
    });
  }
  return names.slice();
}

function readCredential(node: YamlNode | null, place: Place): CredentialClause | null {
  if (node === null) return null;
  if (node.kind !== 'map') {
    reportWrong(place, node, 'a credential: {type, ttl, auto_rotate}');
    return null;
  }
  const fields = new YamlFields(node, credentialKeys, place);
  fields.required('type');
  const ttl = fields.node('ttl');
  return {
    type: fields.text('type') ?? '',
    ttlS: ttl === null ? null : readTtl(ttl, place),
    autoRotate: fields.flag('auto_rotate'),
    position: node.position,
  };
}

function readTtl(node: YamlNode, place: Place): number | null {
  const ms = node.kind === 'scalar' && typeof node.value === 'string' ? durationMs(node.value) : undefined;
  if (ms !== undefined && ms >= 1000) return Math.floor(ms / 1000);
  const written = node.kind === 'scalar' ? `\`${clip(node.source)}\`` : kindText(node);
  const message = `\`ttl\` is a duration of at least a second, not ${written}`;
  reportError(place, { code: 'L-TYPE', message, mend: 'write `30m`, `1h`, `1h30m`', position: node.position });
  return null;
}

function readObligations(node: YamlNode | null, place: Place): readonly string[] {
  if (node === null) return none;
  if (node.kind === 'map' && node.entries.length > 0) return node.entries.map((entry) => entry.key);
  reportWrong(place, node, 'a mapping of obligations, not empty');
  return [];
}

function readExpires(fields: YamlFields, place: Place): number | null {
  const node = fields.node('expires');
  if (node === null) return null;
  const ms = node.kind === 'scalar' && typeof node.value === 'string' ? parseTimestamp(node.value) : undefined;
  if (ms !== undefined) return ms;
  const message = '`expires` is an RFC 3339 timestamp';
  reportError(place, { code: 'L-TYPE', message, mend: 'write `2026-12-31T00:00:00Z`', position: node.position });
  return null;
}

/** `did you mean …?` for a top-level key that is no policy. */
export function policyKeyMend(key: string): string {
  return didYouMean(nearestWord(key.split(' ')[0] ?? '', ['policy'])) || 'every top-level key is `policy "NAME"`';
}
