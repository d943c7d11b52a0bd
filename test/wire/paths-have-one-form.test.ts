// The path that is decided on is the path that the workload resolves: wire.md "Path" and "Known ways past".

import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isPosternError } from '../../src/errors.ts';
import { canonicalizePath } from '../../src/wire/canonical-path.ts';

const unchanged = [
  '/',
  '/a',
  '/a/',
  '/a/b.c/d-e_f~g',
  '/v1/projects/p:run',
  "/a!$&'()*+,;=:@b",
  '/a;v=1/b',
  '/...',
  '/a...b',
  '/.hidden',
  '/..a',
  '/a/.well-known/x',
  '/%20',
  '/%C3%A9',
  '/%E2%82%AC',
  '/%F0%9F%98%80',
  '/a%3Fb',
  '/a%23b',
  '/100%25',
  '/100%25-x',
  '/%25zz',
  '/alice%40acme.com',
];

const changed: readonly (readonly [raw: string, canonical: string])[] = [
  ['/a/./b', '/a/b'],
  ['/a/../b', '/b'],
  ['/a/b/..', '/a/'],
  ['/a/.', '/a/'],
  ['/./', '/'],
  ['/.', '/'],
  ['/a/..', '/'],
  ['//x/admin', '/x/admin'],
  ['/a//b', '/a/b'],
  ['/a//b/../c', '/a/c'],
  ['/a///', '/a/'],
  ['//', '/'],
  ['/a/%2e%2e/b', '/b'],
  ['/a/%2E./b', '/b'],
  ['/a/.%2e/b', '/b'],
  ['/a/%2e/b', '/a/b'],
  ['/%61dmin', '/admin'],
  ['/%41%2D%5f%7E', '/A-_~'],
  ['/a\\b', '/a/b'],
  ['/a\\..\\b', '/b'],
  ['\\x'.replace('\\', '/\\'), '/x'],
  ['/%c3%a9', '/%C3%A9'],
  ['/a%3fb', '/a%3Fb'],
];

const refused: readonly (readonly [what: string, raw: string])[] = [
  ['nothing', ''],
  ['no slash first', 'a/b'],
  ['an authority in place of a path', 'http://a/b'],
  ['a climb above the root', '/..'],
  ['a climb above the root within', '/a/../../b'],
  ['an encoded climb above the root', '/%2e%2e/b'],
  ['a climb by backslash', '/\\..\\..'],
  ['a climb out of an empty segment, which merges differ on', '/a//../b'],
  ['a climb out of an empty segment at the end', '/a//..'],
  ['a climb out of an empty segment past a dot', '/a//./..'],
  ['a climb out of an empty segment by backslash', '/a/\\..\\b'],
  ['a second climb that meets an empty segment', '/a//b/../../c'],
  ['an encoded slash', '/a%2fb'],
  ['an encoded slash in upper case', '/a%2Fb'],
  ['a climb by encoded slashes', '/a/..%2f..%2fb'],
  ['an encoded backslash', '/a%5cb'],
  ['an encoded backslash in upper case', '/a%5Cb'],
  ['an encoded NUL', '/a%00'],
  ['an encoded line break', '/a%0d%0ab'],
  ['an encoded DEL', '/a%7f'],
  ['a percent sign alone', '/a%'],
  ['half an escape', '/a%4'],
  ['an escape that is not hexadecimal', '/a%zz'],
  ['a Unicode escape', '/a%u002e'],
  ['a dot encoded twice', '/a/%252e%252e/b'],
  ['a slash encoded twice', '/a%252fb'],
  ['a backslash encoded twice', '/a%255cb'],
  ['a letter encoded twice', '/%2561dmin'],
  ['a dot encoded thrice', '/a/%25252e'],
  ['a slash encoded twice with encoded digits', '/a%25%32%66b'],
  ['a slash encoded twice with one encoded digit', '/a%252%66b'],
  ['an overlong dot', '/a/%c0%ae%c0%ae/b'],
  ['an overlong slash', '/a%c0%afb'],
  ['an overlong slash of three octets', '/a%e0%80%afb'],
  ['an octet that is not UTF-8', '/%ff'],
  ['a UTF-8 sequence that breaks off', '/%c3'],
  ['a UTF-8 sequence that goes on with a letter', '/%c3a'],
  ['a lone surrogate', '/%ed%a0%80'],
  ['a code point above U+10FFFF', '/%f4%90%80%80'],
  ['a parameter of a double dot', '/a/..;/b'],
  ['a parameter of a double dot with a value', '/a/..;x=y/b'],
  ['a parameter of a dot', '/a/.;/b'],
  ['a parameter of nothing', '/a/;x/b'],
  ['a parameter of nothing first', '/;/admin'],
  ['an encoded parameter of nothing', '/%3Bx'],
  ['an encoded parameter of a double dot', '/a/..%3b/b'],
  ['a parameter of an encoded double dot', '/a/%2e%2e;/b'],
  ['a space', '/a b'],
  ['a tab', '/a\tb'],
  ['NUL', '/a\0'],
  ['a question mark', '/a?b'],
  ['a number sign', '/a#b'],
  ['a double quote', '/a"b'],
  ['an angle bracket', '/a<b'],
  ['a brace', '/{a}'],
  ['a bar', '/a|b'],
  ['a caret', '/a^b'],
  ['a backtick', '/a`b'],
  ['an octet above 0x7f', '/\xe9'],
  ['a character beyond latin1', '/\u2215'],
];

/** Any path out of the pieces with which paths were ever disguised. */
const disguised = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '//',
        '.',
        '..',
        '...',
        ';',
        '%',
        '%2e',
        '%2E',
        '%2f',
        '%5c',
        '\\',
        '%25',
        '%252e',
        '%c0',
        '%ae',
      ),
      fc.constantFrom(
        'a',
        'B',
        '%61',
        '%c3%a9',
        '%C3%A9',
        '%e2%82%ac',
        '%3b',
        '%3B',
        '%40',
        '@',
        ':',
        '=',
        '~',
        '%7e',
        '%00',
      ),
      fc.constantFrom('2', '5', 'e', 'f', '2e', '2f', '%32', '%35', '%66'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => `/${pieces.join('')}`);

function canonicalOrNull(path: string): string | null {
  try {
    return canonicalizePath(path);
  } catch (error) {
    if (isPosternError(error, 'ERR_WIRE_PATH_REFUSED')) return null;
    throw error;
  }
}

/** `normalize` writes no slash after a last dot segment, RFC 3986 §5.2.4 does. */
function withoutLastSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

describe('a path', () => {
  for (const path of unchanged) {
    test(`\`${path}\` is canonical`, () => assert.equal(canonicalizePath(path), path));
  }
  for (const [raw, canonical] of changed) {
    test(`\`${raw}\` is \`${canonical}\``, () => assert.equal(canonicalizePath(raw), canonical));
  }
  for (const [what, raw] of refused) {
    test(`with ${what} is refused`, () => {
      assert.throws(
        () => canonicalizePath(raw),
        (error) => isPosternError(error, 'ERR_WIRE_PATH_REFUSED'),
      );
    });
  }

  test('with any octet is canonical, changed, or refused with our error alone', () => {
    for (let octet = 0; octet < 256; octet++) {
      const encoded = `%${octet.toString(16).padStart(2, '0')}`;
      for (const path of [`/a${String.fromCharCode(octet)}b`, `/a${encoded}b`, `/${encoded}`, `/${encoded}/x`])
        canonicalOrNull(path);
    }
  });
});

describe('any path that has a canonical form', () => {
  const accepted = (check: (canonical: string, raw: string) => void): void =>
    fc.assert(
      fc.property(disguised, (raw) => {
        const canonical = canonicalOrNull(raw);
        if (canonical !== null) check(canonical, raw);
      }),
      { numRuns: 5000 },
    );

  test('keeps it when made canonical again', () =>
    accepted((canonical) => assert.equal(canonicalizePath(canonical), canonical)));

  test('has nothing left that two readers could take differently', () =>
    accepted((canonical) => {
      assert.match(canonical, /^\//);
      assert.doesNotMatch(canonical, /\/\/|\\|\/\.\.?(\/|$)|\/\.{0,2}(;|%3B)|%(2F|5C|00)/i);
      assert.doesNotMatch(canonical, /%25[0-9a-f]{2}/i);
      assert.doesNotMatch(canonical, /[^\x21-\x7e]/);
      for (const [octet] of canonical.matchAll(/%../g)) {
        assert.equal(octet, octet.toUpperCase());
        assert.doesNotMatch(String.fromCharCode(Number.parseInt(octet.slice(1), 16)), /[A-Za-z0-9._~-]/);
      }
    }));

  test('is left alone by the URL parser of Node', () =>
    accepted((canonical) => assert.equal(new URL(`http://h${canonical}`).pathname, canonical)));

  test('is what a workload reaches that decodes first and resolves dots then', () =>
    accepted((canonical, raw) => {
      const reached = posix.normalize(decodeURIComponent(raw.replaceAll('\\', '/')));
      assert.equal(withoutLastSlash(decodeURIComponent(canonical)), withoutLastSlash(reached));
    }));

  test('is what a workload reaches that resolves dots and never decodes anything but dots', () =>
    accepted((canonical, raw) => {
      const naive = posix.normalize(raw.replaceAll('\\', '/').replaceAll(/%2e/gi, '.'));
      assert.equal(withoutLastSlash(decodeURIComponent(canonical)), withoutLastSlash(decodeURIComponent(naive)));
    }));
});
