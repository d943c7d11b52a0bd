// Who uses a connection to the workload, one at a time: an exchange, or the tunnel that one became.

import type { PosternError } from '../errors.ts';
import type { FieldList } from '../wire/field-list.ts';
import type { ResponseHead } from '../wire/http1-message.ts';

/** How an exchange fails at the workload's side. */
export type UpstreamFault =
  /** No connection could be made. */
  | 'unreachable'
  /** The workload says that it did not look at the request (RFC 9113 §8.7): it may be sent again, whatever it is. */
  | 'unprocessed'
  /** Closed or reset before a byte of the answer. */
  | 'closed_before_answer'
  /** Closed or reset within the answer. */
  | 'broken_answer'
  /** The answer is not valid HTTP/1.1. */
  | 'invalid_answer'
  /** Nothing came for too long. */
  | 'timeout';

/** The exchange that a connection carries. Views into `bytes` are valid during the call only. */
export interface UpstreamUser {
  onInterimHead(head: ResponseHead): void;
  onResponseHead(head: ResponseHead): void;
  onResponseBody(bytes: Buffer): void;
  onResponseEnd(trailers: FieldList | null): void;
  /** All that one read brought was handed on. */
  onResponseFlush(): void;
  /** The workload takes bytes again after a `write` that said false. */
  onUpstreamDrain(): void;
  onUpstreamFault(fault: UpstreamFault, error: PosternError): void;
}

/** The tunnel that a connection became a part of. */
export interface UpstreamTunnelUser {
  /** A view that is valid during the call only. */
  onWorkloadBytes(view: Buffer): void;
  onWorkloadDrain(): void;
  /** The workload sends no more, but may still read. */
  onWorkloadEnd(): void;
  onWorkloadGone(error: PosternError): void;
}
