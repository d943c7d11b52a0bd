// Faults of the codec: few codes, precise messages, what was shown escaped and cut.

import { type ErrorCode, PosternError } from '../errors.ts';

type WireCode = Extract<ErrorCode, `ERR_WIRE_${string}`>;

/** A fault with the status a request is answered with. */
export class WireFault {
  readonly error: PosternError;
  readonly status: number;

  constructor(code: WireCode, message: string, status = 400) {
    this.error = new PosternError(code, message);
    this.status = status;
  }
}

const shownLength = 64;

/** Outside bytes for a message: printable ASCII as it is, the rest as `\xNN`, at most 64 characters. */
export function shownBytes(text: string): string {
  let out = '`';
  for (let at = 0; at < text.length && at < shownLength; at++) {
    const octet = text.charCodeAt(at);
    const plain = octet >= 0x20 && octet <= 0x7e && octet !== 0x60 && octet !== 0x5c;
    out += plain ? text[at] : `\\x${octet.toString(16).padStart(2, '0')}`;
  }
  return text.length > shownLength ? `${out}…\`` : `${out}\``;
}
