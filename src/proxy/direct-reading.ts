// HOT PATH (npm run bench). Reads a socket into one buffer that all connections of a listener share, past the queue of its stream. Node does
// that for sockets that it connects (`onread`) and has no public way to ask for it where a TLS socket stands on an accepted
// one: there each piece becomes a buffer of its own, and a large upload a gigabyte of garbage.

import type { Socket } from 'node:net';

const bufferBytes = 64 * 1024;

/** What of a socket of Node's is needed; `undefined` where this Node has it no more. */
interface Inside {
  readonly buffer: symbol | undefined;
  readonly callback: symbol | undefined;
}

interface ReadingHandle {
  useUserBuffer?: (buffer: Buffer) => void;
}

export class DirectReading {
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  #inside: Inside | null = null;

  /**
   * `onBytes` gets a view that is valid during the call only. Where this Node cannot do it, pieces come as they always did.
   * Call it before the first byte can have come.
   */
  begin(socket: Socket, onBytes: (view: Buffer, count: number) => void): void {
    this.#inside ??= insideOf(socket);
    const { buffer: bufferKey, callback } = this.#inside;
    const { _handle: handle } = socket as unknown as { readonly _handle: ReadingHandle | null };
    const canRead = typeof handle?.useUserBuffer === 'function' && socket.readableLength === 0;
    if (bufferKey === undefined || callback === undefined || !canRead) {
      socket.on('data', (bytes: Buffer) => onBytes(bytes, bytes.length));
      return;
    }
    const buffer = this.#buffer;
    const own = socket as unknown as Record<symbol, unknown>;
    own[bufferKey] = buffer;
    own[callback] = (count: number) => {
      onBytes(buffer, count);
      return true;
    };
    handle?.useUserBuffer?.(buffer);
  }
}

function insideOf(socket: Socket): Inside {
  const symbols = Object.getOwnPropertySymbols(socket);
  const named = (name: string): symbol | undefined => symbols.find(({ description }) => description === name);
  return { buffer: named('kBuffer'), callback: named('kBufferCb') };
}
