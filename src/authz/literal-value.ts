// Reads a literal as the type of what it is compared with (policy.md 1.3): a literal that does not parse keeps the policy
// from loading, so that nothing is coerced while requests are judged.

import type { Glob } from '../lib/glob.ts';
import { isGlobFault, parseGlob } from '../lib/glob.ts';
import { nearestWord } from '../lib/nearest-word.ts';
import type { AttributeSpec } from './attribute-schema.ts';
import type { LiteralNode } from './condition-ast.ts';
import { clip } from './condition-lexer.ts';
import { canonicalIp, parseIp } from './ip-address.ts';
import { spiffeTextFault, trustDomainOf } from './spiffe-text.ts';
import { parseTimestamp } from './timestamp.ts';
import type { Value, ValueType } from './value-type.ts';
import { foldsCase, isTextual, separatorOf } from './value-type.ts';

/** A literal that cannot be what it is compared with. */
export interface LiteralFault {
  readonly code: 'L-TYPE' | 'L-TD';
  readonly fault: string;
  readonly mend: string | null;
}

export type LiteralReading = { readonly value: Value } | LiteralFault;

/** True where the literal could not be read. */
export function isLiteralFault(reading: object): reading is LiteralFault {
  return 'code' in reading;
}

/** Reads `literal` as `type`; `values` are the only ones allowed, where the attribute has a closed set. */
export function readLiteral(
  literal: LiteralNode,
  type: ValueType,
  values: AttributeSpec['values'] = null,
): LiteralReading {
  if (literal.kind === 'string' && literal.starEscape) {
    return typeFault('`\\*` means a star only in a glob', 'write `*`, or use `matches`');
  }
  if (type === 'any') return literal.kind === 'duration' ? anyDuration : { value: literal.value };
  if (literal.kind === 'string') return readText(literal.value, type, values);
  if (literal.kind === 'number' && type === 'number') return { value: literal.value };
  if (literal.kind === 'duration' && type === 'duration') return { value: literal.ms };
  if (literal.kind === 'bool' && type === 'bool') return { value: literal.value };
  return typeFault(`a ${literal.kind} is never a ${type}`, isTextual(type) ? 'put it in double quotes' : null);
}

const anyDuration: LiteralFault = Object.freeze({
  code: 'L-TYPE',
  fault: 'a duration can only be compared with an attribute that is a duration',
  mend: null,
});

function typeFault(fault: string, mend: string | null = null): LiteralFault {
  return { code: 'L-TYPE', fault, mend };
}

function readText(text: string, type: ValueType, values: AttributeSpec['values']): LiteralReading {
  if (values !== null && !values.includes(text)) {
    const near = nearestWord(text, values);
    return typeFault(
      `\`${clip(text)}\` is none of ${values.join(', ')}`,
      near === null ? null : `did you mean \`${near}\`?`,
    );
  }
  switch (type) {
    case 'timestamp':
      return found(parseTimestamp(text), text, 'an RFC 3339 timestamp such as `2026-01-31T08:00:00Z`');
    case 'ip': {
      const address = parseIp(text);
      return found(address && canonicalIp(address), text, 'an IP address');
    }
    case 'string':
    case 'topic':
    case 'spiffe_id':
    case 'dns':
    case 'path': {
      const fault = textFault(text, type, false);
      return fault === null ? { value: foldsCase(type) ? text.toLowerCase() : text } : typeFault(fault);
    }
    default:
      return typeFault(
        `a string is never a ${type}`,
        type === 'bool' || type === 'number' ? 'take the quotes off' : null,
      );
  }
}

function found(value: Value | undefined, text: string, form: string): LiteralReading {
  return value === undefined ? typeFault(`\`${clip(text)}\` is not ${form}`) : { value };
}

function textFault(text: string, type: ValueType, pattern: boolean): string | null {
  if (type === 'spiffe_id') return spiffeTextFault(text, pattern);
  if (type === 'path' && !text.startsWith('/') && !(pattern && text.startsWith('**'))) return 'a path starts with `/`';
  const names = pattern ? /^[A-Za-z0-9._*\\-]+$/ : /^[A-Za-z0-9._-]+$/;
  if (type === 'dns' && !names.test(text)) return `\`${clip(text)}\` is not a DNS name`;
  return null;
}

/** Options of reading a pattern. */
export interface PatternOptions {
  readonly type: ValueType;
  /** The attribute is a trust domain: a wildcard in it lets strangers in. */
  readonly isTrustDomain: boolean;
  readonly allowAnyTrustDomain: boolean;
}

/** Reads a glob for values of a type. */
export function readPattern(pattern: string, options: PatternOptions): Glob | LiteralFault {
  const { type, allowAnyTrustDomain } = options;
  if (!allowAnyTrustDomain) {
    const fault = trustDomainFault(pattern, options);
    if (fault !== null) return fault;
  }
  const fault = textFault(pattern, type, true);
  if (fault !== null) return typeFault(fault);
  const glob = parseGlob(pattern, { separator: type === 'any' ? null : separatorOf(type), foldCase: foldsCase(type) });
  return isGlobFault(glob) ? typeFault(glob.fault) : glob;
}

function trustDomainFault(pattern: string, options: PatternOptions): LiteralFault | null {
  const domain = options.isTrustDomain ? pattern : trustDomainPart(pattern, options.type);
  if (domain === null || !domain.includes('*')) return null;
  return {
    code: 'L-TD',
    fault: `\`${clip(pattern)}\` matches identities of any trust domain`,
    mend: 'name the trust domain: `spiffe://example.org/**`',
  };
}

function trustDomainPart(pattern: string, type: ValueType): string | null {
  if (type !== 'spiffe_id') return null;
  return pattern.startsWith('spiffe://')
    ? trustDomainOf(pattern)
    : pattern.slice(0, Math.max(0, pattern.indexOf('/'))) || pattern;
}
