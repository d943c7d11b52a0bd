// The chain of hashes over a stream. H0 is drawn from the stream id; a seal holds
//   H(n) = SHA-256(H(n-1) || every byte after seal n-1 || the seal's own line up to and including `"sha256":"`)
// so each byte of a stream up to the end of a seal's line is either hashed by that seal or is that hash.

import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';

/** What stands between the last member of a seal and its hash. */
export const hashMark = ',"sha256":"';

/** How a seal's line goes on after what it hashes. */
export const sealTail = '"}\n';

/** The chain of one stream at its present end. */
export class SealChain {
  #previous: Buffer;
  #hash: Hash;

  constructor(previous: Buffer) {
    this.#previous = previous;
    this.#hash = createHash('sha256').update(previous);
  }

  /** The chain of a stream that has no seal yet. */
  static ofStream(streamId: string): SealChain {
    return new SealChain(createHash('sha256').update(`postern.journal/1\n${streamId}\n`).digest());
  }

  /** The chain after a seal that held this hash (hex). */
  static after(sha256: string): SealChain {
    return new SealChain(Buffer.from(sha256, 'hex'));
  }

  /** Hash of the last seal, hex. */
  get previous(): string {
    return this.#previous.toString('hex');
  }

  /** Takes in bytes that stand in the stream now. */
  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** What a seal with this head would hold, hex; the chain stays as it is until `sealed`. */
  digestWith(head: string): string {
    return this.#hash.copy().update(head, 'latin1').digest('hex');
  }

  /** Goes on after a seal that is written. */
  sealed(sha256: string): void {
    this.#previous = Buffer.from(sha256, 'hex');
    this.#hash = createHash('sha256').update(this.#previous);
  }
}
