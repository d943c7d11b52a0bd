// HOT PATH (npm run bench). From the fields of a stream to the same request head that HTTP/1.1 gives (RFC 9113 §8.3, §8.2), with
// the same checks: whoever comes over HTTP/2 may not say what would be refused otherwise, since the workload may read HTTP/1.1.

import { FieldList } from '../field-list.ts';
import type { HeadLimits } from '../head-limits.ts';
import type { RequestHead } from '../http1-message.ts';
import { type Framing, readFraming } from '../message-framing.ts';
import { isMethodText } from '../octets.ts';
import { type HostMemory, parseTarget, readHost } from '../request-head.ts';
import { shownBytes, WireFault } from '../wire-fault.ts';
import type { HeaderBlock } from './hpack-decoder.ts';

/** The longest registered one has 17. */
const methodBytes = 32;

/** `malformed`: the stream is reset (RFC 9113 §8.1.1). Any other fault is answered with its status. */
export type RequestHeadFault = { readonly kind: 'malformed' | 'refused'; readonly fault: WireFault };

interface ReadOptions {
  readonly limits: HeadLimits;
  readonly memory: HostMemory;
  readonly newKey: () => string;
}

interface Pseudo {
  method: string | null;
  scheme: string | null;
  path: string | null;
  authority: string | null;
  /** Of an extended CONNECT (RFC 8441 §4). */
  protocol: string | null;
}

/** The heads of one connection. A block that came before has the same head. */
export class RequestHeads {
  readonly #limits: HeadLimits;
  readonly #memory: HostMemory = { text: '', authority: null };
  readonly #newKey: () => string;

  /** `newKey` gives a Sec-WebSocket-Key that nobody else has: HTTP/2 has none, and the workload may read HTTP/1.1. */
  constructor(limits: HeadLimits, newKey: () => string) {
    this.#limits = limits;
    this.#newKey = newKey;
  }

  /** `endStream`: the request has no body and no trailers. */
  read(block: HeaderBlock, endStream: boolean): RequestHead | RequestHeadFault {
    const { memo } = block;
    if (memo !== null && memo.endStream === endStream) return memo.head;
    const options = { limits: this.#limits, memory: this.#memory, newKey: this.#newKey };
    const head = readRequestHead(block, endStream, options);
    if (!('kind' in head) && head.upgrade === null) block.memo = { head, endStream };
    return head;
  }
}

function readRequestHead(block: HeaderBlock, endStream: boolean, options: ReadOptions): RequestHead | RequestHeadFault {
  if (block.unsound !== null) return malformed(`a field ${block.unsound} that HTTP does not have`);
  if (block.tooLarge) return refused(new WireFault('ERR_WIRE_HEAD_TOO_LARGE', 'the request head is too large', 431));
  const pseudo: Pseudo = { method: null, scheme: null, path: null, authority: null, protocol: null };
  const fields = new FieldList();
  const fault = sortFields(block.fields, pseudo, fields);
  if (fault !== null) return malformed(fault);
  return makeHead({ pseudo, fields, endStream }, options);
}

/** Pseudo-header fields come first, once each, and are those of requests (§8.3). */
function sortFields({ keys, values }: FieldList, pseudo: Pseudo, fields: FieldList): string | null {
  let cookies: string | null = null;
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]!;
    const value = values[at]!;
    if (key.charCodeAt(0) === 0x3a) {
      const fault =
        fields.length > 0 || cookies !== null ? 'a pseudo-header field after others' : setPseudo(pseudo, key, value);
      if (fault !== null) return fault;
    } else if (key === 'cookie') {
      // One field again for HTTP/1.1 (§8.2.3).
      cookies = cookies === null ? value : `${cookies}; ${value}`;
    } else {
      if (isConnectionField(key, value)) return `the connection-specific field ${shownBytes(key)}`;
      fields.push(key, key, value);
    }
  }
  if (cookies !== null) fields.push('cookie', 'cookie', cookies);
  return null;
}

function setPseudo(pseudo: Pseudo, key: string, value: string): string | null {
  switch (key) {
    case ':method':
      if (pseudo.method !== null) return ':method twice';
      pseudo.method = value;
      return null;
    case ':scheme':
      if (pseudo.scheme !== null) return ':scheme twice';
      pseudo.scheme = value;
      return null;
    case ':path':
      if (pseudo.path !== null) return ':path twice';
      pseudo.path = value;
      return null;
    case ':authority':
      if (pseudo.authority !== null) return ':authority twice';
      pseudo.authority = value;
      return null;
    case ':protocol':
      if (pseudo.protocol !== null) return ':protocol twice';
      pseudo.protocol = value;
      return null;
    default:
      return `the pseudo-header field ${shownBytes(key)}`;
  }
}

/** RFC 9113 §8.2.2. */
export function isConnectionField(key: string, value: string): boolean {
  switch (key) {
    case 'connection':
    case 'transfer-encoding':
    case 'upgrade':
    case 'keep-alive':
    case 'proxy-connection':
      return true;
    case 'te':
      return value !== 'trailers';
    default:
      return false;
  }
}

function makeHead(
  parts: { readonly pseudo: Pseudo; readonly fields: FieldList; readonly endStream: boolean },
  options: ReadOptions,
): RequestHead | RequestHeadFault {
  const { pseudo, fields, endStream } = parts;
  const { method, scheme, path } = pseudo;
  if (method === null || scheme === null || path === null || path === '') {
    return malformed('a request without all its pseudo-header fields');
  }
  if (scheme !== 'https' && scheme !== 'http') {
    return refused(new WireFault('ERR_WIRE_TARGET_INVALID', `scheme ${shownBytes(scheme)}`));
  }
  const authority = takeAuthority(pseudo.authority, fields);
  if (authority !== null) return malformed(authority);
  if (!isMethodText(method) || method.length > methodBytes) {
    return refused(new WireFault('ERR_WIRE_REQUEST_LINE_INVALID', `method ${shownBytes(method)}`));
  }
  if (path.length > options.limits.targetBytes) {
    return refused(
      new WireFault('ERR_WIRE_TARGET_TOO_LONG', `target longer than ${options.limits.targetBytes} bytes`, 414),
    );
  }
  // Only the path and `*`: an absolute target would name a second authority.
  if (path.charCodeAt(0) !== 0x2f && path !== '*') return malformed('a :path that does not begin with a slash');
  const framing = readFraming(fields, 1);
  if (framing instanceof WireFault) return { kind: 'malformed', fault: framing };
  const { protocol } = pseudo;
  const upgrade = protocol === null ? null : readProtocol({ method, protocol, fields, framing, endStream });
  if (upgrade !== null && typeof upgrade !== 'string') return upgrade;
  if (upgrade !== null) fields.push('sec-websocket-key', 'sec-websocket-key', options.newKey());
  const target = parseTarget({ method: upgrade === null ? method : 'GET', target: path });
  if (target instanceof WireFault) return refused(target);
  const host = readHost(framing, target, options.memory);
  if (host instanceof WireFault) return refused(host);
  const body = upgrade === null ? bodyOf(method, framing, endStream) : 'none';
  if (body === null) return malformed('a content-length without content');
  return {
    method: upgrade === null ? method : 'GET',
    rawPath: target.path,
    query: target.query,
    minorVersion: 1,
    host: host.host,
    port: host.port,
    fields,
    framing: body,
    contentLength: body === 'length' ? Math.max(framing.contentLength, 0) : 0,
    keepAlive: false,
    expectsContinue: framing.expects && body !== 'none',
    upgrade,
    nominated: null,
  };
}

/**
 * `:authority` stands for Host (§8.3.1); where both came they must be the same, octet by octet: policy and workload must mean
 * one host.
 */
function takeAuthority(authority: string | null, fields: FieldList): string | null {
  if (authority === null) return null;
  const at = fields.keys.indexOf('host');
  if (at < 0) fields.push('host', 'host', authority);
  else if (fields.values[at] !== authority) return 'a Host that differs from :authority';
  return null;
}

/**
 * An extended CONNECT (RFC 8441 §4, §5): what HTTP/1.1 asks for by GET with Upgrade, and is judged and forwarded as that. Only
 * WebSocket, as there.
 */
function readProtocol(asked: {
  readonly method: string;
  readonly protocol: string;
  readonly fields: FieldList;
  readonly framing: Framing;
  readonly endStream: boolean;
}): 'websocket' | RequestHeadFault {
  const { method, protocol, fields, framing, endStream } = asked;
  if (method !== 'CONNECT') return malformed(':protocol without CONNECT');
  if (endStream || framing.contentLength >= 0) return malformed('an extended CONNECT that has a length');
  const bad = (what: string) => refused(new WireFault('ERR_WIRE_UPGRADE_INVALID', what));
  if (protocol !== 'websocket') return bad(`:protocol ${shownBytes(protocol)}`);
  if (fields.getSingle('sec-websocket-version') !== '13') return bad('Sec-WebSocket-Version that is not one `13`');
  return fields.get('sec-websocket-key') === undefined ? 'websocket' : bad('a Sec-WebSocket-Key, which HTTP/2 has not');
}

/** Null: it says a length and has ended. Methods that bring content say so in HTTP/1.1 even where there is none (RFC 9110 §8.6). */
function bodyOf(method: string, framing: Framing, endStream: boolean): RequestHead['framing'] | null {
  if (!endStream) return framing.contentLength >= 0 ? 'length' : 'chunked';
  if (framing.contentLength > 0) return null;
  const says = framing.contentLength === 0 || method === 'POST' || method === 'PUT' || method === 'PATCH';
  return says ? 'length' : 'none';
}

function malformed(what: string): RequestHeadFault {
  return { kind: 'malformed', fault: new WireFault('ERR_WIRE_FIELD_INVALID', what) };
}

function refused(fault: WireFault): RequestHeadFault {
  return { kind: 'refused', fault };
}
