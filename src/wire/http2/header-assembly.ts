// Header blocks that come in several frames (RFC 9113 §6.10). Nothing else may come between, and what is gathered is bounded in
// octets and in frames (CVE-2024-27983, CVE-2024-27316).

import { h2Codes } from './frame-types.ts';
import { Http2Fault } from './http2-fault.ts';

/** A whole header block, still compressed. */
export interface AssembledBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly bytes: Buffer;
}

/** Continuations of one block; a head of the largest size that we take needs four. */
const continuations = 16;

export class HeaderAssembly {
  readonly #mostBytes: number;
  #open: { readonly streamId: number; readonly endStream: boolean; readonly parts: Buffer[]; bytes: number } | null =
    null;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** The stream whose block is unfinished, or null. */
  get openStreamId(): number | null {
    return this.#open?.streamId ?? null;
  }

  /** A block that another frame goes on with. */
  begin(streamId: number, fragment: Buffer, endStream: boolean): Http2Fault | null {
    // A copy: the rest may be long in coming, and the view would hold all that it came with.
    this.#open = { streamId, endStream, parts: [Buffer.from(fragment)], bytes: fragment.length };
    return null;
  }

  /** What goes on with it; null while more is to come. */
  add(fragment: Buffer, endHeaders: boolean): AssembledBlock | Http2Fault | null {
    const open = this.#open!;
    open.parts.push(Buffer.from(fragment));
    open.bytes += fragment.length;
    // Not answered with 431: what was not read would leave the table out of step.
    if (open.bytes > this.#mostBytes || open.parts.length > continuations) {
      return new Http2Fault(h2Codes.enhanceYourCalm, 'a header block that is too large');
    }
    if (!endHeaders) return null;
    this.#open = null;
    return { streamId: open.streamId, endStream: open.endStream, bytes: Buffer.concat(open.parts) };
  }
}
