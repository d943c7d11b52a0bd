// HOT PATH (npm run bench -- --only handshake,relay-upload). Tells that something waits for an accepted socket, and leaves it in the
// kernel. What is read before TLS and fed to it makes Node's buffer in front of OpenSSL a ring of 1 and 16 KiB for good, and each record of
// a large upload two reads; what TLS reads by itself, from the first octet on, comes in pieces of up to 64 KiB.

import type { Socket } from 'node:net';

/** libuv offers a buffer of no length to read into, and where something is there it calls back with ENOBUFS, having read nothing. */
const nothing = Buffer.alloc(0);

/** What of a socket's handle is needed; `undefined` where this Node has it no more. */
interface ReadingHandle {
  useUserBuffer?: (buffer: Buffer) => void;
  onread?: unknown;
  reading?: boolean;
  readStart?: () => number;
  readStop?: () => number;
}

/**
 * Calls back once when there is something to read or the peer is gone; false where this Node cannot say so, or something was read already. For an accepted
 * socket that nobody reads, in the turn in which it came; afterwards only TLS can read it.
 */
export function onUnreadOctets(raw: Socket, callback: () => void): boolean {
  const { _handle: handle } = raw as unknown as { readonly _handle: ReadingHandle | null };
  const canWait = typeof handle?.useUserBuffer === 'function' && typeof handle.readStop === 'function';
  if (!canWait || handle?.onread === undefined || raw.readableLength > 0 || raw.bytesRead > 0) return false;
  const { onread } = handle;
  handle.useUserBuffer?.(nothing);
  handle.onread = () => {
    handle.readStop?.();
    handle.reading = false;
    handle.onread = onread;
    if (!raw.destroyed) callback();
  };
  if (handle.reading !== true) {
    handle.reading = true;
    handle.readStart?.();
  }
  return true;
}
