// `${NAME}` in values: from the environment, never by surprise, and never into a message.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changed, findingsOf, parse, smallest } from './sample-config.ts';

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: this is the syntax under test
test('a variable is expanded inside a value', () => {
  const config = parse(changed('tls.crt', '"${DIR}/tls.crt"'), { DIR: '/certs' });
  assert.equal(config.identity.source === 'files' && config.identity.files.certFile, '/certs/tls.crt');
});

test('an unquoted variable may stand for a number', () => {
  assert.equal(parse(`${smallest}workers: ${'${N}'}\n`, { N: '1' }).workers, 1);
});

test('a quoted variable stays text', () => {
  const [line] = findingsOf(`${smallest}workers: "${'${N}'}"\n`, { N: '1' });
  assert.equal(
    line,
    'postern.yaml:11:10: error: `workers` is text [ERR_CONFIG_VALUE]; write `auto`, or a whole number',
  );
});

test('an unset variable is an error with its place', () => {
  assert.deepEqual(findingsOf(changed('tls.crt', '"${DIR}/tls.crt"')), [
    'postern.yaml:4:18: error: the environment variable `DIR` is not set [ERR_CONFIG_VARIABLE]; set DIR, or write `$${DIR}` for the literal text',
  ]);
});

test('a variable that is set to nothing is set', () => {
  const [line] = findingsOf(changed('tls.crt', '"${DIR}"'), { DIR: '' });
  assert.match(line ?? '', /the path is empty/);
});

test('what objects inherit is not a variable', () => {
  const [line] = findingsOf(changed('tls.crt', '"${constructor}"'));
  assert.match(line ?? '', /the environment variable `constructor` is not set/);
});

test('two dollars are one, and nothing is expanded', () => {
  const config = parse(changed('tls.crt', '"$${DIR}"'), { DIR: '/certs' });
  assert.equal(config.identity.source === 'files' && config.identity.files.certFile, '/etc/postern/${DIR}');
});

test('an expansion is not expanded again', () => {
  const config = parse(changed('tls.crt', '"${A}"'), { A: '${B}', B: 'x' });
  assert.equal(config.identity.source === 'files' && config.identity.files.certFile, '/etc/postern/${B}');
});

test('a name that is none is an error', () => {
  const [line] = findingsOf(changed('tls.crt', '"${A-B}"'));
  assert.match(
    line ?? '',
    /^postern\.yaml:4:18: error: `\$\{A-B\}` is not the name of a variable \[ERR_CONFIG_VARIABLE\]/,
  );
});

test('keys are not expanded', () => {
  assert.match(findingsOf(`${smallest}"${'${A}'}": 1\n`, { A: 'admin' }).join(), /unknown key `\$\{A\}`/);
});

test('what a variable held never stands in a message', () => {
  const lines = findingsOf(changed('0.0.0.0:8443', '"${SECRET}"'), { SECRET: 'hunter2-hunter2' });
  assert.equal(lines.length, 1);
  assert.doesNotMatch(lines.join(), /hunter2/);
  assert.match(lines.join(), /`\$\{SECRET\}` is not an address with a port/);
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: this is the syntax under test
