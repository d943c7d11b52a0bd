// Each way to get a configuration wrong gives one line with its place, what is wrong there and how to mend it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { changed, findingsOf, smallest } from './sample-config.ts';

type Case = readonly [what: string, text: string, line: string];

const keys: readonly Case[] = [
  [
    'an unknown key names the nearest known one',
    changed('listen:', 'lisen:'),
    'postern.yaml:7:5: error: unknown key `lisen` in `inbound[0]` [ERR_CONFIG_KEY]; did you mean `listen`?',
  ],
  [
    'an unknown key that is near to nothing lists the known ones',
    changed('{ cert: tls.crt,', '{ zzz: 1, cert: tls.crt,'),
    'postern.yaml:4:12: error: unknown key `zzz` in `identity.files` [ERR_CONFIG_KEY]; known here: `cert`, `key`, `bundle`',
  ],
  [
    'an unknown key at the top',
    `${smallest}polcy: {}\n`,
    'postern.yaml:11:1: error: unknown key `polcy` [ERR_CONFIG_KEY]; did you mean `policy`?',
  ],
  [
    'a missing key is told at the mapping that lacks it',
    changed('    forward: http://127.0.0.1:8080\n', ''),
    'postern.yaml:6:5: error: the key `inbound[0].forward` is missing [ERR_CONFIG_KEY]; add `forward`: a forward address such as `http://127.0.0.1:8080`',
  ],
  [
    'a missing section is told at the top',
    changed('policy:\n  paths: [policies/]\n', ''),
    'postern.yaml:1:1: error: the key `policy` is missing [ERR_CONFIG_KEY]; add `policy`: a mapping with `paths`',
  ],
  [
    'a source without its section',
    changed('source: files', 'source: dev-ca'),
    'postern.yaml:3:11: error: `source: dev-ca` needs the section `dev_ca` [ERR_CONFIG_KEY]; add `dev_ca:`',
  ],
  [
    'a key called __proto__ is unknown like any other',
    `${smallest}__proto__: { polluted: true }\n`,
    'postern.yaml:11:1: error: unknown key `__proto__` [ERR_CONFIG_KEY]; known here: `version`, `identity`, `inbound`, `outbound`, `policy`, `audit`, `inventory`, `admin`, `shutdown`, `workers`',
  ],
];

const values: readonly Case[] = [
  [
    'another version',
    changed('version: 1', 'version: 2'),
    'postern.yaml:1:10: error: `2` is not a whole number in range [ERR_CONFIG_VALUE]; write `1`',
  ],
  [
    'a number where text is meant',
    changed('cert: tls.crt', 'cert: 3'),
    'postern.yaml:4:18: error: `identity.files.cert` is the number `3` [ERR_CONFIG_VALUE]; write a path such as `tls.crt`',
  ],
  [
    'an empty section',
    `${smallest}shutdown:\n`,
    'postern.yaml:11:10: error: `shutdown` is empty [ERR_CONFIG_VALUE]; write a mapping',
  ],
  [
    'an empty list',
    changed('[policies/]', '[]'),
    'postern.yaml:10:10: error: `policy.paths` is empty [ERR_CONFIG_VALUE]; write a list',
  ],
  [
    'a duration without a unit',
    `${smallest}shutdown: { drain: 30 }\n`,
    'postern.yaml:11:20: error: `shutdown.drain` is the number `30` [ERR_CONFIG_VALUE]; write a duration such as `30s`',
  ],
  [
    'a duration with an unknown unit',
    `${smallest}shutdown: { drain: 30min }\n`,
    'postern.yaml:11:20: error: `30min` is not a duration [ERR_CONFIG_VALUE]; write a whole number with its unit: `500ms`, `30s`, `5m`, `1h`, `90d`, `1h30m`',
  ],
  [
    'a duration that no timer can wait for',
    `${smallest}shutdown: { drain: 60d }\n`,
    'postern.yaml:11:20: error: `60d` is out of range [ERR_CONFIG_VALUE]; write a value from 0s to 24d',
  ],
  [
    'a limit out of range',
    changed('forward:', 'limits: { header_bytes: 1B }\n    forward:'),
    'postern.yaml:8:29: error: `1B` is out of range [ERR_CONFIG_VALUE]; write a value from 1KiB to 1MiB',
  ],
  [
    'a port that is none',
    changed('forward:', 'limits: {}\n    forward:').replace(/listen: .*/, 'listen: 127.0.0.1:99999'),
    'postern.yaml:7:13: error: port `99999` is out of range [ERR_CONFIG_VALUE]; write a port from 0 to 65535',
  ],
  [
    'a count that is no whole number',
    changed('forward:', 'limits: { headers: 1.5 }\n    forward:'),
    'postern.yaml:8:24: error: `1.5` is not a whole number in range [ERR_CONFIG_VALUE]; write a whole number from 1 to 10000',
  ],
  [
    'a rate that is a size',
    changed('forward:', 'limits: { min_body_rate: 100B }\n    forward:'),
    'postern.yaml:8:30: error: `100B` is not a rate [ERR_CONFIG_VALUE]; write a size a second, such as `100B/s` or `1KiB/s`',
  ],
  [
    'an address without a port',
    changed('0.0.0.0:8443', '0.0.0.0'),
    'postern.yaml:7:13: error: `0.0.0.0` is not an address with a port [ERR_CONFIG_VALUE]; write an IP address and a port, such as `0.0.0.0:8443` or `[::]:8443`',
  ],
  [
    'an address that is only a port',
    changed('0.0.0.0:8443', '8443'),
    'postern.yaml:7:13: error: `inbound[0].listen` is the number `8443` [ERR_CONFIG_VALUE]; write a listen address such as `0.0.0.0:8443`',
  ],
  [
    'a forward over TLS',
    changed('http://127.0.0.1:8080', 'https://127.0.0.1:8080'),
    'postern.yaml:8:14: error: `https://127.0.0.1:8080` asks for TLS, but the workload is spoken to in plain text on this machine [ERR_CONFIG_VALUE]; write `http://127.0.0.1:PORT`, `tcp://127.0.0.1:PORT` or `unix:/path`',
  ],
  [
    'a word that is not one of the few',
    changed('forward:', 'mode: audit\n    forward:'),
    'postern.yaml:8:11: error: `audit` is not one of the words allowed here [ERR_CONFIG_VALUE]; write one of `enforce`, `shadow`',
  ],
  [
    'a name with capitals',
    changed('name: api', 'name: API'),
    'postern.yaml:6:11: error: `API` is not a name [ERR_CONFIG_VALUE]; use 1 to 63 lower-case letters, digits, `-` and `_`',
  ],
  [
    'a network with bits beyond its prefix',
    changed('paths:', 'internal_networks: [10.0.0.1/8]\n  paths:'),
    'postern.yaml:10:23: error: `10.0.0.1/8` is not a network [ERR_CONFIG_VALUE]; write `ADDRESS/PREFIX` without bits set beyond the prefix, such as `10.0.0.0/8` or `fc00::/7`',
  ],
  [
    'a header name with a space, told at the key',
    changed('forward:', 'routes: [{ match: { header: { "x y": z } } }]\n    forward:'),
    'postern.yaml:8:35: error: `x y` is not a header name [ERR_CONFIG_VALUE]; write the name alone, such as `x-tier`',
  ],
  [
    'a health path with a dot segment',
    changed('forward:', 'health_passthrough: [/a/../b]\n    forward:'),
    'postern.yaml:8:26: error: `/a/../b` is not a plain path [ERR_CONFIG_VALUE]; write a path such as `/healthz`, without query, `..`, `//` or escapes',
  ],
  [
    'a method in lower case',
    changed('forward:', 'routes: [{ match: { method: [post] } }]\n    forward:'),
    'postern.yaml:8:34: error: `post` is not a method [ERR_CONFIG_VALUE]; methods are case-sensitive (RFC 9110 §9.1): write `POST`',
  ],
  [
    'auto in a list of actions',
    changed('forward:', 'action: [auto, read]\n    forward:'),
    'postern.yaml:8:13: error: `auto` cannot stand in a list [ERR_CONFIG_VALUE]; write `action: auto`, or name the actions',
  ],
  [
    'a way to sync that does not exist',
    `${smallest}audit: { journal: { fsync: sometimes } }\n`,
    'postern.yaml:11:28: error: `sometimes` is not a way to sync [ERR_CONFIG_VALUE]; write `interval:1s`, `always` or `off`',
  ],
  [
    'a misspelt key inside a value that may also be a word',
    `${smallest}audit: { journal: { segmnt: 1MiB } }\n`,
    'postern.yaml:11:21: error: unknown key `segmnt` in `audit.journal` [ERR_CONFIG_KEY]; did you mean `segment`?',
  ],
  [
    'a word where a word or a mapping is meant',
    `${smallest}audit: { journal: on }\n`,
    'postern.yaml:11:19: error: `audit.journal` is text [ERR_CONFIG_VALUE]; write `off`, or a mapping',
  ],
];

const meanings: readonly Case[] = [
  [
    'a template without its slash',
    changed('forward:', 'routes: [{ match: { path: "topics/{topic}" } }]\n    forward:'),
    'postern.yaml:8:31: error: path template `topics/{topic}` does not start with `/` [ERR_CONFIG_ROUTE]; a path template starts with `/`; `{name}` is one whole segment, `{name...}` the rest; use only captures it has',
  ],
  [
    'a capture that the path does not have',
    changed('forward:', 'routes: [{ match: { path: "/a/{b}" }, resource: { type: x, name: "{c}" } }]\n    forward:'),
    'postern.yaml:8:70: error: `{c}` uses the capture `{c}`; known: b [ERR_CONFIG_ROUTE]; a path template starts with `/`; `{name}` is one whole segment, `{name...}` the rest; use only captures it has',
  ],
  [
    'a capture in the resource of the listener, which has no path',
    changed('forward:', 'resource: { type: x, name: "{c}" }\n    forward:'),
    'postern.yaml:8:32: error: `{c}` uses the capture `{c}`; the path of this route captures nothing [ERR_CONFIG_ROUTE]; a path template starts with `/`; `{name}` is one whole segment, `{name...}` the rest; use only captures it has',
  ],
  [
    'a workload on another machine',
    changed('127.0.0.1:8080', '10.1.2.3:8080'),
    'postern.yaml:8:14: error: `10.1.2.3:8080` is not on this machine, and requests to it go in the clear [ERR_CONFIG_UNSAFE]; forward to 127.0.0.1, [::1] or a unix socket; or, if the network between is trusted, set `unsafe_forward: true`',
  ],
  [
    'no record at all',
    `${smallest}audit: { journal: off, stdout: off }\n`,
    'postern.yaml:11:19: error: no decision would be on record [ERR_CONFIG_CONFLICT]; set `stdout: native`, or give a journal',
  ],
  [
    'a journal without room for two segments',
    `${smallest}audit: { journal: { segment: 1GiB } }\n`,
    'postern.yaml:11:10: error: `keep` has no room for two segments [ERR_CONFIG_CONFLICT]; write at least `2GiB`, or a smaller `segment`',
  ],
  [
    'an attribute that does not exist',
    changed(
      'inbound:',
      '  attributes: [{ match: "spiffe://{environment}.a/ns/{x}", set: { enviroment: b } }]\ninbound:',
    ),
    'postern.yaml:5:16: error: sets `enviroment`, which is no attribute [ERR_IDENTITY_ATTRIBUTES]; write environment',
  ],
];

const syntax: readonly Case[] = [
  [
    'a repeated key',
    `${smallest}version: 1\n`,
    'postern.yaml:11:1: error: `version` is given twice [ERR_CONFIG_SYNTAX]; keep one of the two',
  ],
  [
    'an anchor',
    changed('[policies/]', '&p [policies/]'),
    'postern.yaml:10:13: error: anchors (`&name`) are not allowed [ERR_CONFIG_SYNTAX]; quote the value if the & is part of it',
  ],
  [
    'an empty file',
    '',
    'postern.yaml:1:1: error: the file holds no configuration [ERR_CONFIG_SYNTAX]; begin with `version: 1`',
  ],
  [
    'two documents',
    `${smallest}---\nversion: 1\n`,
    'postern.yaml:12:1: error: a second document begins here [ERR_CONFIG_SYNTAX]; keep one document a file',
  ],
  [
    'a list in place of a mapping',
    '[1]',
    'postern.yaml:1:1: error: the configuration is a list [ERR_CONFIG_VALUE]; write a mapping with `version`, `identity`, `policy`',
  ],
];

for (const [group, cases] of Object.entries({ keys, values, meanings, syntax })) {
  describe(group, () => {
    for (const [what, text, line] of cases) test(what, () => assert.deepEqual(findingsOf(text), [line]));
  });
}

test('every fault is reported together, in the order of the file', () => {
  const text = changed('listen: 0.0.0.0:8443', 'lisen: x')
    .replace('[policies/]', '[""]')
    .replace('source: files', 'source: spire');
  const lines = findingsOf(`${text}workers: 0\nadmin: { listen: 0.0.0.0:9901 }\n`);
  const places = lines.map((line) => line.split(': ')[0]);
  assert.deepEqual(places, [
    'postern.yaml:3:11',
    'postern.yaml:7:5',
    'postern.yaml:10:11',
    'postern.yaml:11:10',
    'postern.yaml:12:18',
  ]);
});

test('JSON is taken, and its faults have places too', () => {
  const json =
    '{\n\t"version": 1,\n\t"identity": { "source": "files", "files": { "cert": "a", "key": "b", "bundle": "c" } },\n\t"inbound": [{ "name": "api", "listen": "0.0.0.0:8443", "forward": "http://127.0.0.1:8080", "mod": "x" }],\n\t"policy": { "paths": ["p"] }\n}\n';
  const line = 'postern.yaml:4:93: error: unknown key `mod` in `inbound[0]` [ERR_CONFIG_KEY]; did you mean `mode`?';
  assert.deepEqual(findingsOf(json), [line]);
});
