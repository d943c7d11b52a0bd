// Faults of HTTP/2: the code that goes over the wire, and a line for the operator. Returned in place of an exception.

import { PosternError } from '../../errors.ts';
import { h2Codes } from './frame-types.ts';

/** What ends a stream or a connection. */
export class Http2Fault {
  /** RFC 9113 §7. */
  readonly h2Code: number;
  readonly detail: string;

  constructor(h2Code: number, detail: string) {
    this.h2Code = h2Code;
    this.detail = detail;
  }

  /** The fault as it is counted and recorded. */
  get error(): PosternError {
    return new PosternError('ERR_WIRE_HTTP2', this.detail);
  }
}

/** PROTOCOL_ERROR. */
export function protocolFault(detail: string): Http2Fault {
  return new Http2Fault(h2Codes.protocolError, detail);
}

/** FRAME_SIZE_ERROR. */
export function sizeFault(frame: string): Http2Fault {
  return new Http2Fault(h2Codes.frameSizeError, `${frame} of a broken length`);
}
