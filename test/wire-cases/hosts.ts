// Hosts that a route or a rule reads one way and a workload another.

import { forwarded, refused, type WireCase, type WireCaseClass } from './wire-case.ts';

const one = 'RFC 9110 §7.2, RFC 9112 §3.2';
const form = 'RFC 3986 §3.2.2';
const port = 'RFC 3986 §3.2.3';
const spelling = 'Istio CVE-2021-39155';

const refusals: readonly (readonly [name: string, fields: string, source: string])[] = [
  ['no Host', '', one],
  ['two equal Hosts', 'Host: a\r\nHost: a\r\n', one],
  ['two differing Hosts', 'Host: a\r\nHost: b\r\n', `${one}; Node takes the first`],
  ['two Hosts in different case', 'Host: a\r\nhOST: b\r\n', one],
  ['two Hosts far apart', `Host: a\r\n${'X: y\r\n'.repeat(50)}Host: b\r\n`, one],
  ['an empty Host', 'Host:\r\n', one],
  ['a blank Host', 'Host: \t \r\n', one],
  ['a list of hosts', 'Host: a, b\r\n', one],
  ['a list without blanks', 'Host: a,b\r\n', one],
  ['two hosts by a blank', 'Host: a b\r\n', one],
  ['a path in Host', 'Host: a/x\r\n', form],
  ['a query in Host', 'Host: a?x\r\n', form],
  ['a fragment in Host', 'Host: a#x\r\n', form],
  ['userinfo in Host', 'Host: u@a\r\n', form],
  ['userinfo with a port in Host', 'Host: a:80@b\r\n', form],
  ['a URL in Host', 'Host: http://a\r\n', form],
  ['a percent escape', 'Host: %61\r\n', form],
  ['a backslash', 'Host: a\\b\r\n', form],
  ['a semicolon', 'Host: a;b\r\n', form],
  ['0xE9', 'Host: \xe9\r\n', form],
  ['NUL', 'Host: a\x00b\r\n', form],
  ['an asterisk', 'Host: *\r\n', form],
  ['two dots', 'Host: a..b\r\n', 'RFC 1035 §2.3.1'],
  ['two dots at the end', 'Host: a..\r\n', 'RFC 1035 §2.3.1'],
  ['a dot alone', 'Host: .\r\n', 'RFC 1035 §2.3.1'],
  ['a dot first', 'Host: .a\r\n', 'RFC 1035 §2.3.1'],
  ['256 octets', `Host: ${'a'.repeat(256)}\r\n`, 'RFC 1035 §2.3.4'],
  ['an empty port', 'Host: a:\r\n', port],
  ['a port above 65535', 'Host: a:65536\r\n', port],
  ['a port of six digits', 'Host: a:000080\r\n', port],
  ['a port with a sign', 'Host: a:+80\r\n', port],
  ['a port in hexadecimal', 'Host: a:0x50\r\n', port],
  ['a port that is a name', 'Host: a:http\r\n', port],
  ['two ports', 'Host: a:80:81\r\n', port],
  ['a port alone', 'Host: :80\r\n', port],
  ['IPv6 without brackets', 'Host: ::1\r\n', form],
  ['IPv6 that is none', 'Host: [:::1]\r\n', form],
  ['IPv6 with a zone', 'Host: [fe80::1%25eth0]\r\n', 'RFC 6874 §2'],
  ['a bracket that stays open', 'Host: [::1\r\n', form],
  ['text behind the bracket', 'Host: [::1]a\r\n', form],
  ['a future address form', 'Host: [v1.x]\r\n', form],
  ['a space before the colon of Host', 'Host : a\r\n', 'RFC 9112 §5.1'],
];

/** Sent as it came, since a workload may compare it; the record has the one spelling that policy sees. */
const passed: readonly (readonly [host: string, recorded: string, source: string])[] = [
  ['a', 'a', one],
  ['PayMents.ACME.com', 'payments.acme.com', spelling],
  ['a.', 'a', spelling],
  ['a:443', 'a', spelling],
  ['A.:0443', 'a', spelling],
  ['a:0', 'a', port],
  ['a_b.c-d', 'a_b.c-d', form],
  ['127.0.0.1:80', '127.0.0.1', form],
  ['0x7f.1', '0x7f.1', form],
  ['[::1]:8080', '[::1]', form],
  ['[0:0:0:0:0:0:0:1]', '[::1]', 'RFC 5952 §4'],
  ['[2001:DB8::A]', '[2001:db8::a]', 'RFC 5952 §4'],
  ['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', 'RFC 5952 §5'],
  ['a'.repeat(63), 'a'.repeat(63), form],
];

/** Fields that a workload may take for Host: dropped where they are a spelling of it, kept where they are another name. */
const likeHost: readonly (readonly [line: string, got: string, source: string])[] = [
  ['X-Forwarded-Host: evil', 'X-Forwarded-Host: evil\n', 'wire.md: a field that is not in the table is passed'],
  ['X-Host: evil', 'X-Host: evil\n', 'wire.md: a field that is not in the table is passed'],
  ['Forwarded-Host: evil', 'Forwarded-Host: evil\n', 'wire.md: a field that is not in the table is passed'],
];

export const hosts: WireCaseClass = {
  title: 'Host',
  about: 'Exactly one, and a name, an IPv4 or an IPv6 address with at most one port. Policy sees one spelling of it.',
  cases: [
    ...refusals.map(
      ([name, fields, source]): WireCase => ({
        name,
        source,
        send: `GET /x HTTP/1.1\r\n${fields}\r\n`,
        expect: refused(),
      }),
    ),
    ...passed.map(
      ([host, recorded, source]): WireCase => ({
        name: `\`${host}\``,
        source,
        send: `GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
        recorded: { 'resource.host': recorded },
        expect: forwarded(`GET /x HTTP/1.1\nHost: ${host}\n\n`),
      }),
    ),
    ...likeHost.map(
      ([line, got, source]): WireCase => ({
        name: `\`${line}\` beside Host`,
        source,
        send: `GET /x HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`,
        expect: forwarded(`GET /x HTTP/1.1\nHost: a\n${got}\n`),
      }),
    ),
    {
      name: 'Host behind other fields goes on as the first line',
      source: 'RFC 9110 §7.2',
      send: 'GET /x HTTP/1.1\r\nX: y\r\nHost: a\r\n\r\n',
      expect: forwarded('GET /x HTTP/1.1\nHost: a\nX: y\n\n'),
    },
    {
      name: 'no Host in HTTP/1.0',
      source: 'wire.md: missing Host',
      send: 'GET /x HTTP/1.0\r\n\r\n',
      expect: refused(),
    },
  ],
};
