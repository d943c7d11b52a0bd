// Paths that a policy reads one way and a workload another.

import { code, forwarded, refused, type WireCase, type WireCaseClass } from './wire-case.ts';

/** What is sent, what it means in canonical form (null: it has none), and where that comes from. */
type PathRow = readonly [raw: string, canonical: string | null, source: string];

const dots = 'RFC 3986 §5.2.4; Envoy CVE-2019-9901';
const slashes = 'Istio CVE-2021-39156; Envoy CVE-2019-9901';
const escaped = 'RFC 3986 §6.2.2; Istio CVE-2021-31920';
const separators = 'Istio CVE-2021-31920; Consul CVE-2024-10005';
const twice = 'RFC 3986 §2.4; wire.md `%252e`';
const utf8 = 'RFC 3629 §3; wire.md `%c0%ae`';
const parameters = 'RFC 3986 §3.3; wire.md `..;/`';

const disguised: readonly PathRow[] = [
  ['/x/../admin', '/admin', dots],
  ['/x/./admin', '/x/admin', dots],
  ['/x/admin/..', '/x/', dots],
  ['/x/admin/.', '/x/admin/', dots],
  ['/./admin', '/admin', dots],
  ['/x/y/../../admin', '/admin', dots],
  ['/../admin', null, dots],
  ['/..', null, dots],
  ['/x/../../admin', null, dots],
  ['/%2e/admin', '/admin', dots],
  ['/x/%2e%2e/admin', '/admin', dots],
  ['/x/.%2E/admin', '/admin', dots],
  ['/x/%2e./admin', '/admin', dots],
  ['/%2e%2e/admin', null, dots],
  ['//admin', '/admin', slashes],
  ['/x//admin', '/x/admin', slashes],
  ['///x///admin///', '/x/admin/', slashes],
  ['//evil.example/admin', '/evil.example/admin', 'RFC 3986 §4.2; wire.md `//x/` read as an authority'],
  ['/.//../admin', null, slashes],
  ['/x/\\..\\admin', null, 'Envoy CVE-2019-9901; WHATWG URL'],
  ['/x//../admin', null, 'RFC 3986 §5.2.4 against merged slashes'],
  ['/x//..', null, 'RFC 3986 §5.2.4 against merged slashes'],
  ['\\admin', null, 'RFC 9112 §3.2.1'],
  ['/x\\admin', '/x/admin', separators],
  ['/\\evil.example/admin', '/evil.example/admin', separators],
  ['/%61dmin', '/admin', escaped],
  ['/%41dmin', '/Admin', escaped],
  ['/a%2ddmin%5f%7e%30', '/a-dmin_~0', escaped],
  ['/x%3a', '/x%3A', 'RFC 3986 §6.2.2.1'],
  ['/caf%c3%a9', '/caf%C3%A9', 'RFC 3986 §6.2.2.1'],
  ['/x%2fadmin', null, separators],
  ['/x%2Fadmin', null, separators],
  ['/..%2fadmin', null, separators],
  ['/x/..%2f..%2fadmin', null, separators],
  ['/x%5cadmin', null, separators],
  ['/..%5Cadmin', null, separators],
  ['/x%252fadmin', null, twice],
  ['/%252e%252e/admin', null, twice],
  ['/%2561dmin', null, twice],
  ['/x%25%32%66admin', null, twice],
  ['/%25%32%65%25%32%65/admin', null, twice],
  ['/x%25252fadmin', null, twice],
  ['/%2%35e/admin', null, twice],
  ['/%c0%ae%c0%ae/admin', null, utf8],
  ['/x%c0%afadmin', null, utf8],
  ['/%e0%80%ae%e0%80%ae/admin', null, utf8],
  ['/%f0%80%80%ae/admin', null, utf8],
  ['/%ff', null, utf8],
  ['/%ed%a0%80', null, utf8],
  ['/%c3/%a9', null, utf8],
  ['/%f5%80%80%80', null, utf8],
  ['/%80', null, utf8],
  ['/x%00', null, 'CWE-158; wire.md `%00`'],
  ['/x%00.png', null, 'CWE-158; wire.md `%00`'],
  ['/x%0d%0aX-Evil:%201', null, 'CWE-93'],
  ['/x%09', null, 'CWE-93'],
  ['/x%1b[2J', null, 'CWE-117'],
  ['/x%7f', null, 'CWE-93'],
  ['/x%', null, 'RFC 3986 §2.1'],
  ['/x%4', null, 'RFC 3986 §2.1'],
  ['/x%zz', null, 'RFC 3986 §2.1'],
  ['/x%u002e', null, 'RFC 3986 §2.1; IIS escapes'],
  ['/x/..;/admin', null, parameters],
  ['/x/..;a=b/admin', null, parameters],
  ['/x/.;/admin', null, parameters],
  ['/x/;/admin', null, parameters],
  ['/;a=b/admin', null, parameters],
  ['/x/%2e%2e;/admin', null, parameters],
  ['/x/..%3b/admin', null, parameters],
  ['/x/%2e%2e%3B/admin', null, parameters],
  ['/x/%3B/admin', null, parameters],
  ['/x"y', null, 'RFC 3986 §3.3'],
  ['/x<y>', null, 'RFC 3986 §3.3'],
  ['/x^y', null, 'RFC 3986 §3.3'],
  ['/x`y', null, 'RFC 3986 §3.3'],
  ['/x{y}', null, 'RFC 3986 §3.3'],
  ['/x|y', null, 'RFC 3986 §3.3'],
  ['/x[y]', null, 'RFC 3986 §3.3'],
];

/** Paths that have one form already: forwarded to the octet. */
const plain: readonly (readonly [path: string, source: string])[] = [
  ['/', 'RFC 9112 §3.2.1'],
  ['/Admin', 'RFC 3986 §6.2.2.1: the case of a path counts'],
  ['/ADMIN/', 'RFC 3986 §6.2.2.1: the case of a path counts'],
  ['/x/', 'RFC 3986 §6.2.3: a slash at the end counts'],
  ['/...', 'RFC 3986 §5.2.4: three dots are a name'],
  ['/..x/x..', 'RFC 3986 §5.2.4: dots within a name'],
  ['/.well-known/x', 'RFC 8615'],
  ['/100%25', 'RFC 3986 §2.4: a percent sign once encoded'],
  ['/%25u002e', 'RFC 3986 §2.4'],
  ['/%E2%88%95', 'Unicode division slash is no slash'],
  ['/%EF%BC%8E%EF%BC%8E/x', 'Unicode full-width dots are no dots'],
  ["/!$&'()*+,=:@~-._", 'RFC 3986 §3.3'],
  ['/x%20y', 'RFC 3986 §2.1'],
  ['/x%40y%3Az', 'RFC 3986 §2.2: reserved characters stay escaped'],
  ['/__proto__/constructor', 'wire.md: names of JavaScript'],
  ['/.*', 'Istio CVE-2026-39350: no regular expression'],
  ['/x?y=/../admin', 'RFC 3986 §3.4: a query has no dot segments'],
  ['/x?y=%2f%00%zz', 'RFC 3986 §3.4: the query goes on as it came'],
  ['/x?', 'RFC 3986 §3.4: an empty query'],
  ['/x??y=//', 'RFC 3986 §3.4'],
];

/** With `path_parameters: reject`, which is the default, and with `pass`. */
const withParameters: readonly string[] = [
  '/admin;x',
  '/admin;',
  '/admin;jsessionid=1/users',
  '/x;a=b;c=d/y',
  '/admin%3Bx',
  '/x;/y',
];

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
}

function got(target: string): string {
  return `GET ${target} HTTP/1.1\nHost: a\n\n`;
}

function disguisedCases([raw, canonical, source]: PathRow): WireCase[] {
  const send = get(raw);
  return [
    { name: code(raw), source, send, expect: refused() },
    {
      name: `${code(raw)}, canonicalize`,
      source,
      listener: 'canonicalize',
      send,
      expect: canonical === null ? refused() : forwarded(got(canonical)),
    },
  ];
}

function parameterCases(path: string): WireCase[] {
  const source = 'RFC 3986 §3.3; Java servlets cut parameters off';
  const send = get(path);
  return [
    { name: code(path), source, send, expect: refused() },
    { name: `${code(path)}, path_parameters pass`, source, listener: 'parameters', send, expect: forwarded(got(path)) },
  ];
}

export const paths: WireCaseClass = {
  title: 'Paths',
  about:
    'One form of a path is decided on and forwarded. `reject` refuses whatever is not in it, `canonicalize` makes it so where that has one meaning; both refuse what has none.',
  cases: [
    ...disguised.flatMap(disguisedCases),
    ...plain.map(
      ([path, source]): WireCase => ({ name: code(path), source, send: get(path), expect: forwarded(got(path)) }),
    ),
    ...withParameters.flatMap(parameterCases),
    {
      name: '`HEAD /x/../admin`: the refusal has no body',
      source: 'RFC 9110 §9.3.2',
      send: 'HEAD /x/../admin HTTP/1.1\r\nHost: a\r\n\r\n',
      expect: refused(),
    },
    {
      name: 'a path of 16 KiB',
      source: 'RFC 9112 §3',
      send: get(`/${'x'.repeat(16 * 1024 - 1)}`),
      expect: forwarded(got(`/${'x'.repeat(16 * 1024 - 1)}`)),
    },
    {
      name: 'a path above 16 KiB',
      source: 'RFC 9112 §3',
      send: get(`/${'x'.repeat(16 * 1024)}`),
      expect: refused(414),
    },
  ],
};
