// An attribute as a policy names it: an entry of the schema, and the keys where that entry is a map.

import { nearestWord } from '../lib/nearest-word.ts';
import type { AttributeRoot, AttributeSpec } from './attribute-schema.ts';
import { attributeSchema } from './attribute-schema.ts';

/** A resolved reference; equal texts mean the same attribute. */
export interface AttributeRef {
  readonly spec: AttributeSpec;
  /** Path into a keyed attribute; empty for any other. Header names are in lower case. */
  readonly keys: readonly string[];
  /** Canonical spelling: `principal.labels["team"]`. */
  readonly text: string;
}

/** One step of a path: `.name` or `["name"]`. */
export interface AttributeStep {
  readonly name: string;
  readonly quoted: boolean;
}

/** Why a path names no attribute. */
export interface AttributeFault {
  readonly message: string;
  /** The nearest attribute that exists, null if none is near. */
  readonly nearest: string | null;
}

const byPath: ReadonlyMap<string, AttributeSpec> = new Map(attributeSchema.map((spec) => [spec.path, spec]));
const noKeys: readonly string[] = Object.freeze([]);
const plainRefs: ReadonlyMap<string, AttributeRef> = new Map(
  attributeSchema.map((spec) => [spec.path, Object.freeze({ spec, keys: noKeys, text: spec.path })]),
);

/** The seven roots. */
export const attributeRoots: ReadonlySet<string> = new Set(attributeSchema.map((spec) => spec.root));

/** The attribute with exactly this path and no keys; undefined if there is none. */
export function attributeAt(path: string): AttributeRef | undefined {
  return plainRefs.get(path);
}

/** Resolves `root.step["step"]…` against the schema. */
export function resolveAttribute(root: AttributeRoot, steps: readonly AttributeStep[]): AttributeRef | AttributeFault {
  let path: string = root;
  let spec = byPath.get(path);
  let used = 0;
  for (let n = 0; n < steps.length && !steps[n]!.quoted; n++) {
    path += `.${steps[n]!.name}`;
    const longer = byPath.get(path);
    if (longer === undefined) continue;
    spec = longer;
    used = n + 1;
  }
  const rest = steps.slice(used).map((step) => step.name);
  if (spec === undefined) return property(root, rest) ?? unknownAttribute(root, steps);
  return spec.keyed ? keyedRef(spec, rest) : plainRef(spec, { root, steps, rest });
}

function property(root: AttributeRoot, keys: readonly string[]): AttributeRef | undefined {
  const first = keys[0];
  if (root !== 'action' || first === undefined) return undefined;
  // `action.soft` is a property of the caller; `action.nmae` is a slip of the pen.
  if (nearestWord(first, ['name', 'names', 'protocol', 'properties']) !== null) return undefined;
  return refTo(byPath.get('action.properties')!, keys);
}

function plainRef(
  spec: AttributeSpec,
  asked: { readonly root: AttributeRoot; readonly steps: readonly AttributeStep[]; readonly rest: readonly string[] },
): AttributeRef | AttributeFault {
  return asked.rest.length === 0 ? refTo(spec, noKeys) : unknownAttribute(asked.root, asked.steps);
}

function keyedRef(spec: AttributeSpec, keys: readonly string[]): AttributeRef | AttributeFault {
  if (keys.length === 0) return { message: `\`${spec.path}\` is a map: write ${spec.path}["key"]`, nearest: null };
  if (spec.type !== 'any' && keys.length > 1) {
    return { message: `\`${spec.path}\` takes one key`, nearest: null };
  }
  if (spec.path === 'request.http.headers') return refTo(spec, [keys[0]!.toLowerCase()]);
  return refTo(spec, keys);
}

function refTo(spec: AttributeSpec, keys: readonly string[]): AttributeRef {
  const text = spec.path + keys.map((key) => `[${JSON.stringify(key)}]`).join('');
  return Object.freeze({ spec, keys: Object.freeze([...keys]), text });
}

function unknownAttribute(root: AttributeRoot, steps: readonly AttributeStep[]): AttributeFault {
  const written = [root, ...steps.map((step) => step.name)].join('.');
  const near = nearestWord(written, [...byPath.keys()]);
  return { message: `there is no attribute \`${written}\``, nearest: near };
}

/** True if `resolveAttribute` found nothing. */
export function isAttributeFault(found: AttributeRef | AttributeFault): found is AttributeFault {
  return 'message' in found;
}
