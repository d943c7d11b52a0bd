// HOT PATH (npm run bench). From the text of a request head to its parsed parts (RFC 9112 §3, RFC 9110 §7.2).

import { type Authority, parseAuthority } from './authority.ts';
import { withoutNominated } from './connection-options.ts';
import { parseFieldLines } from './field-lines.ts';
import type { FieldList } from './field-list.ts';
import type { HeadLimits } from './head-limits.ts';
import type { RequestHead } from './http1-message.ts';
import { type Framing, readFraming } from './message-framing.ts';
import { isMethodText, isTargetText } from './octets.ts';
import { readUpgrade } from './websocket-handshake.ts';
import { shownBytes, WireFault } from './wire-fault.ts';

/** The longest registered one has 17. */
const methodBytes = 32;

interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
}

interface Target {
  readonly path: string;
  readonly query: string;
  /** Of an absolute-form target, else null. */
  readonly authority: Authority | null;
}

/** The last Host of a connection: nearly every request on it has the same. */
export interface HostMemory {
  text: string;
  authority: Authority | null;
}

/** Parses a head without its closing empty line; a fault in place of an exception. */
export function parseRequestHead(text: string, limits: HeadLimits, memory: HostMemory): RequestHead | WireFault {
  const lineEnd = text.indexOf('\r\n');
  const line = parseRequestLine(text.slice(0, lineEnd), limits);
  if (line instanceof WireFault) return line;
  const fields = parseFieldLines(text, lineEnd + 2, limits.fieldCount);
  if (fields instanceof WireFault) return fields;
  const framing = readFraming(fields, line.minorVersion);
  if (framing instanceof WireFault) return framing;
  const target = parseTarget(line);
  if (target instanceof WireFault) return target;
  const host = readHost(framing, target, memory);
  if (host instanceof WireFault) return host;
  return makeHead({ line, fields, framing, target, host });
}

function makeHead(parts: {
  readonly line: RequestLine;
  readonly fields: FieldList;
  readonly framing: Framing;
  readonly target: Target;
  readonly host: Authority;
}): RequestHead | WireFault {
  const { line, fields, framing, target, host } = parts;
  const body = bodyFraming(framing);
  const kept = framing.nominated === null ? fields : withoutNominated(fields, framing.nominated);
  const upgrade = framing.upgrades ? readUpgrade({ ...line, fields: kept, hasBody: body !== 'none' }) : null;
  if (upgrade instanceof WireFault) return upgrade;
  return {
    method: line.method,
    rawPath: target.path,
    query: target.query,
    minorVersion: line.minorVersion,
    host: host.host,
    port: host.port,
    fields: kept,
    framing: body,
    contentLength: body === 'length' ? framing.contentLength : 0,
    keepAlive: line.minorVersion === 1 ? !framing.closes : framing.keepsAlive && !framing.closes,
    // Without a body, and from an HTTP/1.0 sender, the expectation means nothing (RFC 9110 §10.1.1).
    expectsContinue: framing.expects && line.minorVersion === 1 && body !== 'none',
    upgrade,
    nominated: framing.nominated,
  };
}

function bodyFraming(framing: Framing): 'none' | 'length' | 'chunked' {
  if (framing.isChunked) return 'chunked';
  return framing.contentLength >= 0 ? 'length' : 'none';
}

function parseRequestLine(text: string, limits: HeadLimits): RequestLine | WireFault {
  const first = text.indexOf(' ');
  const second = text.indexOf(' ', first + 1);
  if (first <= 0 || second < 0) return badLine(text);
  const method = text.slice(0, first);
  const target = text.slice(first + 1, second);
  if (!isMethodText(method) || method.length > methodBytes || target === '') return badLine(text);
  if (target.length > limits.targetBytes) {
    return new WireFault('ERR_WIRE_TARGET_TOO_LONG', `target longer than ${limits.targetBytes} bytes`, 414);
  }
  const version = text.slice(second + 1);
  if (version === 'HTTP/1.1') return { method, target, minorVersion: 1 };
  if (version === 'HTTP/1.0') return { method, target, minorVersion: 0 };
  if (/^HTTP\/[0-9]\.[0-9]$/.test(version)) {
    return new WireFault('ERR_WIRE_VERSION_UNSUPPORTED', `version ${shownBytes(version)}`, 505);
  }
  return badLine(text);
}

/** The query stays out of messages: it may hold a secret. */
function badLine(text: string): WireFault {
  const question = text.indexOf('?');
  const shown = shownBytes(question < 0 ? text : text.slice(0, question + 1));
  return new WireFault('ERR_WIRE_REQUEST_LINE_INVALID', `not a request line: ${shown}`);
}

/** The target of a request line, or the `:path` of HTTP/2. */
export function parseTarget(line: Pick<RequestLine, 'method' | 'target'>): Target | WireFault {
  const { method, target } = line;
  // A tunnel or an echo of the head is nothing that a workload behind a policy should offer.
  if (method === 'CONNECT') return new WireFault('ERR_WIRE_CONNECT', 'method `CONNECT` is not served');
  if (method === 'TRACE') return badTarget(`method \`${method}\` is not served`);
  if (!isTargetText(target)) return badTarget('octet that a target cannot hold');
  if (target.charCodeAt(0) === 0x2f) return splitTarget(target, null);
  if (target === '*') {
    return method === 'OPTIONS' ? { path: '*', query: '', authority: null } : badTarget('`*` is for OPTIONS only');
  }
  return parseAbsolute(target);
}

function splitTarget(target: string, authority: Authority | null): Target {
  const question = target.indexOf('?');
  if (question < 0) return { path: target, query: '', authority };
  return { path: target.slice(0, question), query: target.slice(question), authority };
}

const absoluteForm = /^https?:\/\/([^/?]*)(.*)$/i;

function parseAbsolute(target: string): Target | WireFault {
  const parts = absoluteForm.exec(target);
  if (parts === null) return badTarget(`target that is neither path nor URL: ${shownBytes(target)}`);
  const authority = parseAuthority(parts[1]!);
  if (authority === null) return badTarget(`authority of an absolute target: ${shownBytes(parts[1]!)}`);
  const rest = parts[2]!;
  return splitTarget(rest.startsWith('/') ? rest : `/${rest}`, authority);
}

function badTarget(what: string): WireFault {
  return new WireFault('ERR_WIRE_TARGET_INVALID', what);
}

/** Exactly one Host, also in HTTP/1.0: policy and workload must mean the same one. */
export function readHost(framing: Framing, target: Target, memory: HostMemory): Authority | WireFault {
  if (framing.hosts !== 1) {
    return new WireFault('ERR_WIRE_HOST_INVALID', framing.hosts === 0 ? 'no Host field' : 'several Host fields');
  }
  const value = framing.host;
  if (value !== memory.text) {
    memory.authority = parseAuthority(value);
    memory.text = value;
  }
  const host = memory.authority;
  if (host === null) return new WireFault('ERR_WIRE_HOST_INVALID', `Host ${shownBytes(value)}`);
  const { authority } = target;
  if (authority !== null && (authority.host !== host.host || authority.port !== host.port)) {
    return new WireFault('ERR_WIRE_HOST_INVALID', `Host ${shownBytes(value)} differs from the absolute target`);
  }
  return host;
}
