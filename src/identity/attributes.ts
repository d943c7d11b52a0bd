// Attributes drawn from a SPIFFE ID (config: identity.attributes). First match wins; `{name}` stands for exactly one path
// segment or one label of the trust domain. Compiled once; applied once for each verified identity.

import { PosternError } from '../errors.ts';
import { nearestWord } from '../lib/nearest-word.ts';
import { compileIdPattern, type IdPattern, isCaptureName, matchId } from './id-pattern.ts';
import { shown } from './shown-text.ts';
import type { SpiffeId } from './spiffe-id.ts';

/** One row as configured. */
export interface AttributeRule {
  /** Such as `spiffe://{environment}.acme.com/ns/{namespace}/{service}`. */
  readonly match: string;
  /** Fixed attributes; a value may hold `{name}` of a capture. */
  readonly set: Readonly<Record<string, string>>;
}

/** What an ID says of its workload; undefined is missing. */
export interface IdentityAttributes {
  readonly namespace: string | undefined;
  readonly serviceAccount: string | undefined;
  readonly environment: string | undefined;
  readonly attestation: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
}

/** Reads the attributes of an ID; total, the same answer for the same ID. */
export type ReadAttributes = (id: SpiffeId) => IdentityAttributes;

const fixedNames: readonly string[] = ['namespace', 'service_account', 'environment', 'attestation'];
const labelPrefix = 'labels.';

interface CompiledRule {
  readonly pattern: IdPattern;
  readonly set: ReadonlyMap<string, string>;
}

/**
 * Compiles the rows in order.
 * @throws PosternError ERR_IDENTITY_ATTRIBUTES naming the row, counted from 1
 */
export function compileAttributeRules(rules: readonly AttributeRule[]): ReadAttributes {
  const compiled = rules.map((rule, at) => compileRule(rule, `identity.attributes row ${at + 1}`));
  return (id) => {
    for (const rule of compiled) {
      const captured = matchId(rule.pattern, id);
      if (captured !== null) return attributesFrom(valuesOf(rule, captured));
    }
    return defaultAttributes(id);
  };
}

/**
 * What Postern knows without a row: the namespace of `/ns/<x>/…` and the service account of `/ns/<x>/sa/<y>`. Anchored at
 * the start: elsewhere `/ns/` is part of a name that a tenant may choose.
 */
export function defaultAttributes(id: SpiffeId): IdentityAttributes {
  const [, root, namespace, kind, account, ...rest] = id.path.split('/');
  const values = new Map<string, string>();
  if (root !== 'ns' || namespace === undefined || kind === undefined) return attributesFrom(values);
  values.set('namespace', namespace);
  if (kind === 'sa' && account !== undefined && rest.length === 0) values.set('service_account', account);
  return attributesFrom(values);
}

/** The attributes that a row gives where it matches: a fixed name, or `labels.NAME`. */
export function attributeNamesOf({ match, set }: AttributeRule): readonly string[] {
  return [...compileIdPattern(match, '').captures, ...Object.keys(set)].map(targetOf);
}

function compileRule(rule: AttributeRule, where: string): CompiledRule {
  const pattern = compileIdPattern(rule.match, where);
  const set = new Map<string, string>();
  for (const [name, value] of Object.entries(rule.set)) {
    assertAttributeName(name, where);
    assertValue(name, value, pattern, where);
    set.set(name, value);
  }
  assertDistinct([...pattern.captures, ...set.keys()], where);
  return Object.freeze({ pattern, set });
}

/** @throws PosternError ERR_IDENTITY_ATTRIBUTES where no attribute of an identity has this name */
export function assertAttributeName(name: string, where: string): void {
  if (fixedNames.includes(name)) return;
  if (name.startsWith(labelPrefix) && isCaptureName(name)) return;
  const near = nearestWord(name, fixedNames);
  const mend =
    near === null ? `write ${labelPrefix}${isCaptureName(name) ? name : 'NAME'} for a label` : `write ${near}`;
  throw invalid(where, `sets ${shown(name)}, which is no attribute`, mend);
}

// `{team}` and `labels.team` are two spellings of one label.
function assertDistinct(names: readonly string[], where: string): void {
  const targets = names.map(targetOf);
  const twice = targets.find((target, at) => targets.indexOf(target) !== at);
  if (twice !== undefined) throw invalid(where, `gives ${shown(twice)} twice`, 'capture it or set it, not both');
}

function assertValue(name: string, value: string, pattern: IdPattern, where: string): void {
  if (value === '') throw invalid(where, `sets ${shown(name)} to nothing`, 'leave the key out for a missing attribute');
  for (const [, used] of value.matchAll(/\{([^{}]*)\}/g)) {
    if (!pattern.captures.has(used!)) throw invalid(where, `uses ${shown(used!)}, which its match does not capture`);
  }
  if (/[{}]/.test(value.replaceAll(/\{[^{}]*\}/g, '')))
    throw invalid(where, `sets ${shown(name)} to a value with a lone brace`);
}

function valuesOf(rule: CompiledRule, captured: ReadonlyMap<string, string>): Map<string, string> {
  const values = new Map(captured);
  for (const [name, template] of rule.set) {
    values.set(
      name,
      template.replaceAll(/\{([^{}]*)\}/g, (_, used: string) => captured.get(used) ?? ''),
    );
  }
  return values;
}

// A capture of another name than the fixed ones is a label: `{service}` reads as labels["service"].
function attributesFrom(values: ReadonlyMap<string, string>): IdentityAttributes {
  const others = [...values].filter(([name]) => !fixedNames.includes(name));
  const labels = others.map(([name, value]) => [labelOf(name), value] as const);
  return Object.freeze({
    namespace: values.get('namespace'),
    serviceAccount: values.get('service_account'),
    environment: values.get('environment'),
    attestation: values.get('attestation'),
    labels: new Map(labels),
  });
}

/** The attribute that a name sets: `team` and `labels.team` are two spellings of one label. */
export function targetOf(name: string): string {
  return fixedNames.includes(name) ? name : labelPrefix + labelOf(name);
}

function labelOf(name: string): string {
  return name.startsWith(labelPrefix) ? name.slice(labelPrefix.length) : name;
}

function invalid(where: string, what: string, mend?: string): PosternError {
  return new PosternError('ERR_IDENTITY_ATTRIBUTES', `${where}: ${what}`, mend === undefined ? {} : { mend });
}
