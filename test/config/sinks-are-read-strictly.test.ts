// `audit.sinks`: what a row means, and each way to get it wrong.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findingsOf, parse, smallest } from './sample-config.ts';

const sinks = (rows: string): string => `${smallest}audit: { sinks: [${rows}] }\n`;

test('rows have their defaults, and file names start from the folder of the configuration', () => {
  const rows = `{ type: file, path: out.ndjson },
    { type: http, url: "https://es:9200/i/_bulk", flavour: elastic, ca: ca.pem, headers: { Authorization: "\${TOKEN}" } },
    { type: http, name: lake, url: "http://lake/in", encode: ocsf },
    { type: syslog, address: "tls://[::1]:6514", format: rfc5424, encode: cef },
    { type: otlp, url: "http://c:4318/v1/logs" },
    { type: kafka, brokers: ["kafka:9093", "tls://[::1]:9093"], topic: authz, encode: ocsf }`;
  const { audit, secrets } = parse(sinks(rows), { TOKEN: 'Bearer x' });
  assert.deepEqual(audit.sinks, [
    { type: 'file', name: 'file', encode: 'native', path: '/etc/postern/out.ndjson' },
    {
      type: 'http',
      name: 'http',
      encode: 'ecs',
      url: 'https://es:9200/i/_bulk',
      flavour: 'elastic',
      headers: { Authorization: 'Bearer x' },
      caFile: '/etc/postern/ca.pem',
    },
    { type: 'http', name: 'lake', encode: 'ocsf', url: 'http://lake/in', flavour: 'ndjson', headers: {}, caFile: null },
    {
      type: 'syslog',
      name: 'syslog',
      encode: 'cef',
      address: { transport: 'tls', host: '::1', port: 6514 },
      caFile: null,
    },
    {
      type: 'otlp',
      name: 'otlp',
      encode: 'otlp',
      url: 'http://c:4318/v1/logs',
      headers: {},
      caFile: null,
      protocol: 'protobuf',
      compression: 'gzip',
    },
    {
      type: 'kafka',
      name: 'kafka',
      encode: 'ocsf',
      brokers: [
        { host: 'kafka', port: 9093 },
        { host: '::1', port: 9093 },
      ],
      isTls: true,
      topic: 'authz',
      compression: 'gzip',
      caFile: null,
    },
  ]);
  assert.ok(secrets.has('Bearer x'));
});

const wrong: Readonly<Record<string, readonly [rows: string, finding: RegExp]>> = {
  'a file without a path': ['{ type: file }', /`type: file` needs `path` \[ERR_CONFIG_KEY\]/],
  'a URL of a file': ['{ type: file, path: a, url: "http://a" }', /`url` is not of `type: file` \[ERR_CONFIG_KEY\]/],
  'another scheme': ['{ type: http, url: "ftp://a" }', /no http or https URL/],
  'a password in the URL': ['{ type: http, url: "https://u:p@a" }', /no http or https URL/],
  'two rows of one name': ['{ type: file, path: a }, { type: file, path: b }', /two sinks are called `file`/],
  'CEF to Elasticsearch': ['{ type: http, url: "http://a", flavour: elastic, encode: cef }', /takes JSON/],
  'a header of two lines': ['{ type: http, url: "http://a", headers: { a: "b\\nc" } }', /printable ASCII/],
  'a syslog server without a port': ['{ type: syslog, address: "tls://siem" }', /no address of a syslog server/],
  'syslog over HTTP': ['{ type: syslog, address: "http://siem:1" }', /no address of a syslog server/],
  'a port beyond all': ['{ type: syslog, address: "tcp://siem:70000" }', /no address of a syslog server/],
  'OTLP in another encoding': ['{ type: otlp, url: "http://c", encode: ecs }', /an encoding of its own/],
  'a broker without a port': ['{ type: kafka, brokers: [kafka], topic: a }', /no address of a broker/],
  'Kafka without a broker': ['{ type: kafka, brokers: [], topic: a }', /brokers/],
  'Kafka without a topic': ['{ type: kafka, brokers: ["k:1"] }', /needs `topic`/],
  'a topic that Kafka has not': ['{ type: kafka, brokers: ["k:1"], topic: "a b" }', /topic/],
  'brokers of two kinds': ['{ type: kafka, brokers: ["k:1", "tcp://k:2"], topic: a }', /some are not/],
  'a name that names no file': ['{ type: file, path: a, name: "../x" }', /is not a name/],
};

describe('refused is', () => {
  for (const [what, [rows, finding]] of Object.entries(wrong)) {
    test(what, () => {
      const findings = findingsOf(sinks(rows));
      assert.equal(findings.length, 1, findings.join('\n'));
      assert.match(findings[0]!, finding);
    });
  }

  test('a sink without a journal', () => {
    const text = `${smallest}audit: { journal: off, stdout: native, sinks: [{ type: file, path: a }] }\n`;
    assert.match(findingsOf(text).join(), /served from the journal \[ERR_CONFIG_CONFLICT\]/);
  });
});
