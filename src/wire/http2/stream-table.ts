// The streams of one connection (RFC 9113 §5.1): those that are open, and of those that are not, whether they ever were and who
// ended them.

import type { Http2Stream } from './http2-stream.ts';

/** What is known of a stream that is not open. */
export type Absence = 'idle' | 'reset-by-us' | 'closed';

/** Of streams that we reset the peer may send for a while; older ones than these it should have heard of. */
const remembered = 1_000;

export class StreamTable {
  readonly #open = new Map<number, Http2Stream>();
  readonly #resetByUs = new Set<number>();
  /** The highest stream that the peer began; the highest that we did. */
  lastPeerId = 0;
  lastOwnId: number;
  readonly #peerParity: number;

  constructor(isServer: boolean) {
    this.#peerParity = isServer ? 1 : 0;
    this.lastOwnId = isServer ? 0 : -1;
  }

  get size(): number {
    return this.#open.size;
  }

  get(id: number): Http2Stream | undefined {
    return this.#open.get(id);
  }

  all(): Iterable<Http2Stream> {
    return this.#open.values();
  }

  add(stream: Http2Stream): void {
    this.#open.set(stream.id, stream);
  }

  remove(stream: Http2Stream): void {
    stream.isClosed = true;
    this.#open.delete(stream.id);
  }

  /** Frames of it that are under way are not the peer's fault. */
  rememberReset(id: number): void {
    if (this.#resetByUs.size >= remembered) {
      for (const oldest of this.#resetByUs) {
        this.#resetByUs.delete(oldest);
        break;
      }
    }
    this.#resetByUs.add(id);
  }

  isPeers(id: number): boolean {
    return (id & 1) === this.#peerParity;
  }

  absence(id: number): Absence {
    if (id > (this.isPeers(id) ? this.lastPeerId : this.lastOwnId)) return 'idle';
    return this.#resetByUs.has(id) ? 'reset-by-us' : 'closed';
  }
}
