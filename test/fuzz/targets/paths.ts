// Paths and queries: what policy decides on must be the resource that a workload finds, however it reads a path.

import assert from 'node:assert/strict';
import { isPosternError } from '../../../src/errors.ts';
import { acceptedPath } from '../../../src/proxy/accepted-path.ts';
import { RequestHttpFacts } from '../../../src/proxy/inbound-request.ts';
import { canonicalizePath } from '../../../src/wire/canonical-path.ts';
import { FieldList } from '../../../src/wire/field-list.ts';
import type { FuzzTarget } from '../engine/fuzz-target.ts';

/** The fuzzing of paths. */
export const paths: FuzzTarget = {
  name: 'paths',
  promise: 'a path that passes names the same resource to policy, to `new URL` and to a workload that decodes first',
  covers: [
    'src/wire/canonical-path.ts',
    'src/proxy/accepted-path.ts',
    'src/proxy/inbound-request.ts',
    'src/wire/octets.ts',
  ],
  seeds: [
    '/',
    '/a/b',
    '/a/../b/./c/',
    '/a//b',
    '/a%2eb/%41%c3%a9',
    '/a;x=1/b',
    '/x%20y?q=1&r=%20&q',
    '/%61/%7E',
    '/..%2f',
  ],
  dictionary: [
    ...['/', '//', '.', '..', '/.', '/..', '/../', '\\', '%', '%2e', '%2E', '%2f', '%5C', '%5c', '%00', '%25', '%252e'],
    ...[
      '%c0%ae',
      '%e2%80%ae',
      '%F0%9F%98%80',
      '%ff',
      '%u002e',
      ';',
      '..;',
      '..;/',
      '%3b',
      ';x',
      '*',
      '#',
      '?',
      '&',
      '=',
      '+',
    ],
    ...['%0d%0a', '\t', '\xe9', '%7f', '%41', ':', '@', '~', '|', '"', '<', '^', '`', '{', '%5', '%zz', 'admin', 'q='],
  ],
  check: (input) => {
    const question = input.indexOf('?');
    checkPath(question < 0 ? input : input.slice(0, question));
    checkQuery(question < 0 ? `?${input}` : input.slice(question));
  },
};

const lenient = { pathNormalization: 'canonicalize', pathParameters: 'pass' } as const;
const strict = { ...lenient, pathParameters: 'reject' } as const;

function checkPath(path: string): void {
  let canonical: string;
  try {
    canonical = canonicalizePath(path);
  } catch (error) {
    assert.ok(isPosternError(error, 'ERR_WIRE_PATH_REFUSED'), String(error));
    assert.equal(acceptedPath(path, lenient), path === '*' ? path : null);
    return;
  }
  assert.equal(canonicalizePath(canonical), canonical, 'canonicalising twice changes the path');
  assert.equal(acceptedPath(path, lenient), canonical);
  assert.equal(acceptedPath(path, { ...lenient, pathNormalization: 'reject' }), canonical === path ? path : null);
  const isPlain = acceptedPath(path, strict) !== null;
  assert.equal(isPlain, !/;|%3b/i.test(canonical), 'parameters are refused, and nothing else is');
  assertOneReading(canonical);
  assertSameResource(path, canonical);
}

/** Whatever a workload does with the canonical form, it finds the same segments. */
function assertOneReading(canonical: string): void {
  const written = canonical.split('/');
  const decoded = decodeURIComponent(canonical);
  assert.deepEqual(decoded.split(/[/\\]/), written.map(decodeURIComponent), 'decoding moves a separator');
  assert.deepEqual(resolved(decoded), resolved(canonical).map(decodeURIComponent), 'decoding makes a dot segment');
  assert.equal(decodeURIComponent(canonical), canonical.includes('%25') ? decoded : decodeURIComponent(decoded));
  assert.equal(new URL(`http://a${canonical}`).pathname, canonical, '`new URL` resolves it otherwise');
  assert.equal(new URL(canonical, 'http://a/b/').host, 'a', 'as a reference it names another host');
  const withoutParameters = canonical.replaceAll(/(?:;|%3B)[^/]*/g, '');
  assert.deepEqual(resolved(withoutParameters), withoutParameters.split('/').slice(1), 'a parameter hides dots');
}

/** The raw form, read as a naive workload reads it, is the canonical one: decoded first, or resolved first. */
function assertSameResource(path: string, canonical: string): void {
  const wanted = decodeURIComponent(canonical).split('/').filter(isNamed);
  assert.deepEqual(
    resolved(decodeURIComponent(path)).filter(isNamed),
    wanted,
    'decode, then resolve: another resource',
  );
  const slashed = path.replaceAll('\\', '/');
  const byUrl = new URL(`http://a${slashed.replaceAll(/\/{2,}/g, '/')}`).pathname;
  assert.deepEqual(
    byUrl.split('/').map(decodeURIComponent).filter(isNamed),
    wanted,
    '`new URL` finds another resource',
  );
}

function isNamed(segment: string): boolean {
  return segment !== '';
}

/** Segments after dots are resolved, as most frameworks do it. */
function resolved(path: string): string[] {
  const kept: string[] = [];
  for (const segment of path.replaceAll('\\', '/').split('/').slice(1)) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return kept;
}

/** A value that policy sees is the only one that any reader of forms could take. */
function checkQuery(query: string): void {
  const facts = new RequestHttpFacts('GET', new FieldList(), query);
  const read = new URLSearchParams(query);
  for (const name of new Set([...read.keys(), 'q', 'x'])) {
    const value = facts.query(name);
    if (value !== undefined) assert.deepEqual(read.getAll(name), [value], `the query has another \`${name}\``);
  }
}
