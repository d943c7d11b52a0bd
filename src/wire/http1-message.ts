// What the HTTP/1.1 codec hands on: parsed heads and the events of a message. Types only.

import type { PosternError } from '../errors.ts';
import type { FieldList } from './field-list.ts';

/** How a body is delimited (RFC 9112 §6). `close`: until the sender closes; responses only. */
export type BodyFraming = 'none' | 'length' | 'chunked' | 'close';

/** A request head that passed every check of RFC 9112 and wire.md. */
export interface RequestHead {
  readonly method: string;
  /** Path of the target exactly as sent (before canonicalisation), starting with `/`, or `*` for OPTIONS. */
  readonly rawPath: string;
  /** Query with its `?`, or empty. */
  readonly query: string;
  /** HTTP/1.x: 0 or 1. */
  readonly minorVersion: 0 | 1;
  /** Host in lower case without port and trailing dot; IPv6 in brackets. */
  readonly host: string;
  /** Port named in Host, or undefined. */
  readonly port: number | undefined;
  /** Every field line that Connection does not nominate, Host and framing included. */
  readonly fields: FieldList;
  readonly framing: 'none' | 'length' | 'chunked';
  /** Bytes of the body when framing is `length`, else 0. */
  readonly contentLength: number;
  /** The sender wants the connection kept after this message. */
  readonly keepAlive: boolean;
  readonly expectsContinue: boolean;
  /** `websocket` when a valid RFC 6455 handshake asks for it; any other protocol is ignored (RFC 9110 §7.8). */
  readonly upgrade: 'websocket' | null;
  /** Lower-case field names that Connection nominates, beside `close`, `keep-alive` and `upgrade`; null if none. */
  readonly nominated: readonly string[] | null;
}

/** A response head that passed every check. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly minorVersion: 0 | 1;
  readonly fields: FieldList;
  readonly framing: BodyFraming;
  readonly contentLength: number;
  readonly keepAlive: boolean;
  /** Connection says `upgrade`. */
  readonly upgrades: boolean;
  readonly nominated: readonly string[] | null;
}

/** Receives what a RequestParser finds. Every callback may call `pause()`, `resume()` or `stop()` of the parser. */
export interface RequestEvents {
  onRequestHead(head: RequestHead): void;
  /** A piece of the body; a view into the fed buffer, valid as long as that buffer is. */
  onBody(bytes: Buffer): void;
  /** The message is complete; the parser is paused until `resume()` (pipelined requests are served in order). */
  onMessageEnd(trailers: FieldList | null): void;
  /** The input is refused; nothing further will be reported. `status` is 400, 414, 417, 431 or 505. */
  onWireError(error: PosternError, status: number): void;
}

/** Receives what a ResponseParser finds. */
export interface ResponseEvents {
  /** A 1xx other than 101. */
  onInterimHead(head: ResponseHead): void;
  onResponseHead(head: ResponseHead): void;
  onBody(bytes: Buffer): void;
  onMessageEnd(trailers: FieldList | null): void;
  onWireError(error: PosternError): void;
}
