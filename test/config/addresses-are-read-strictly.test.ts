// Listen and forward addresses: what is taken, what is refused, which of them collide and which are local.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isLocal, isSameSocket, parseForwardAddress, parseListenAddress } from '../../src/config/socket-address.ts';
import { isPosternError } from '../../src/errors.ts';
import { formatAddress } from '../../src/lib/socket-address.ts';

const listens: readonly (readonly [text: string, formatted: string | null])[] = [
  ['0.0.0.0:8443', '0.0.0.0:8443'],
  ['127.0.0.1:0', '127.0.0.1:0'],
  ['localhost:80', 'localhost:80'],
  ['[::]:8443', '[::]:8443'],
  ['[::1]:65535', '[::1]:65535'],
  ['unix:/run/a.sock', 'unix:/run/a.sock'],
  ['unix:///run/a.sock', 'unix:/run/a.sock'],
  [':8443', null],
  ['8443', null],
  ['0.0.0.0', null],
  ['0.0.0.0:65536', null],
  ['0.0.0.0:-1', null],
  ['0.0.0.0:80x', null],
  ['0.0.0.0: 80', null],
  ['::1:80', null],
  ['[::g]:80', null],
  ['[127.0.0.1]:80', null],
  ['example.com:80', null],
  ['unix:run/a.sock', null],
  ['unix:/run/', null],
  ['unix:', null],
  [`unix:/${'a'.repeat(107)}`, null],
  ['', null],
];

describe('a listen address', () => {
  for (const [text, formatted] of listens) {
    test(`${JSON.stringify(text.slice(0, 40))} is ${formatted === null ? 'refused' : 'taken'}`, () => {
      if (formatted !== null) assert.equal(formatAddress(parseListenAddress(text)), formatted);
      else
        assert.throws(
          () => parseListenAddress(text),
          (error) => isPosternError(error, 'ERR_CONFIG_VALUE'),
        );
    });
  }
});

const forwards: readonly (readonly [text: string, formatted: string | null])[] = [
  ['http://127.0.0.1:8080', '127.0.0.1:8080'],
  ['http://127.0.0.1:8080/', '127.0.0.1:8080'],
  ['http://127.0.0.1', '127.0.0.1:80'],
  ['http://[::1]', '[::1]:80'],
  ['http://[::1]:8080', '[::1]:8080'],
  ['http://localhost:3000', 'localhost:3000'],
  ['unix:/run/a.sock', 'unix:/run/a.sock'],
  ['tcp://127.0.0.1:5432', '127.0.0.1:5432'],
  ['tcp://[::1]:5432', '[::1]:5432'],
  ['tcp://127.0.0.1', null],
  ['tcp://127.0.0.1:5432/db', null],
  ['http://127.0.0.1:8080/base', null],
  ['http://127.0.0.1:8080?x', null],
  ['http://user@127.0.0.1:8080', null],
  ['http://127.0.0.1:0', null],
  ['http://', null],
  ['https://127.0.0.1:8080', null],
  ['ftp://127.0.0.1', null],
  ['127.0.0.1:8080', null],
];

describe('a forward address', () => {
  for (const [text, formatted] of forwards) {
    test(`${text} is ${formatted === null ? 'refused' : 'taken'}`, () => {
      if (formatted !== null) assert.equal(formatAddress(parseForwardAddress(text).address), formatted);
      else
        assert.throws(
          () => parseForwardAddress(text),
          (error) => isPosternError(error, 'ERR_CONFIG_VALUE'),
        );
    });
  }
});

const locals: readonly (readonly [text: string, isLocal: boolean])[] = [
  ['127.0.0.1:1', true],
  ['127.9.9.9:1', true],
  ['localhost:1', true],
  ['[::1]:1', true],
  ['[::ffff:127.0.0.1]:1', true],
  ['unix:/a', true],
  ['0.0.0.0:1', false],
  ['[::]:1', false],
  ['10.0.0.1:1', false],
  ['[::ffff:10.0.0.1]:1', false],
  ['[fe80::1]:1', false],
];

describe('local', () => {
  for (const [text, expected] of locals) {
    test(`${text} is${expected ? '' : ' not'}`, () => assert.equal(isLocal(parseListenAddress(text)), expected));
  }
  for (const host of ['127.evil.example', '127.0.0.1.evil.example', 'localhost.evil.example']) {
    test(`${host} is not`, () => assert.equal(isLocal(parseForwardAddress(`http://${host}:80`).address), false));
  }
});

const pairs: readonly (readonly [a: string, b: string, isSame: boolean])[] = [
  ['127.0.0.1:80', '127.0.0.1:80', true],
  ['0.0.0.0:80', '127.0.0.1:80', true],
  ['[::]:80', '127.0.0.1:80', true],
  ['[::1]:80', '[0:0:0:0:0:0:0:1]:80', true],
  ['localhost:80', '127.0.0.1:80', true],
  ['[::ffff:127.0.0.1]:80', '127.0.0.1:80', true],
  ['unix:/a', 'unix:/a', true],
  ['127.0.0.1:80', '127.0.0.1:81', false],
  ['127.0.0.1:80', '127.0.0.2:80', false],
  ['127.0.0.1:0', '127.0.0.1:0', false],
  ['unix:/a', 'unix:/b', false],
  ['unix:/a', '127.0.0.1:80', false],
];

describe('one socket', () => {
  for (const [a, b, expected] of pairs) {
    test(`${a} and ${b} are ${expected ? 'one' : 'two'}`, () => {
      assert.equal(isSameSocket(parseListenAddress(a), parseListenAddress(b)), expected);
      assert.equal(isSameSocket(parseListenAddress(b), parseListenAddress(a)), expected);
    });
  }
});
