// HOT PATH (npm run bench -- --only relay-upload). Reads a socket that was accepted into one buffer of its own. Node makes a
// buffer for each read, which for a fast stream keeps the garbage collector's threads as busy as the stream itself; what it has
// against that (`onread`) it offers only to sockets that connect. The same is reached here by the names it keeps it under.

import type net from 'node:net';

/** Takes what one read brought, a view. True: it is needed beyond the call, so the next read goes elsewhere. */
export type TakeView = (view: Buffer) => boolean;

interface ReadHandle {
  useUserBuffer?: (buffer: Uint8Array) => void;
}

type Slots = Record<symbol, unknown>;

/**
 * From now on `take` gets what comes, `bufferBytes` at most at once; `pause`, `resume` and the event `end` are as ever. What
 * came before is handed on first. Where this Node keeps other names, it reads as usual.
 */
export function readSteadily(socket: net.Socket, bufferBytes: number, take: TakeView): void {
  for (let ahead: Buffer | null = socket.read(); ahead !== null; ahead = socket.read()) take(ahead);
  if (!takeOver(socket, bufferBytes, take)) socket.on('data', (bytes: Buffer) => void take(bytes));
  socket.resume();
}

function takeOver(socket: net.Socket, bufferBytes: number, take: TakeView): boolean {
  const slots = Object.getOwnPropertySymbols(socket);
  const named = (name: string): symbol | undefined => slots.find(({ description }) => description === name);
  const [buffer, callback, next] = [named('kBuffer'), named('kBufferCb'), named('kBufferGen')];
  const handle = (socket as unknown as { _handle?: ReadHandle | null })._handle;
  if (buffer === undefined || callback === undefined || next === undefined) return false;
  if (typeof handle?.useUserBuffer !== 'function') return false;
  let isHeld = false;
  const own = socket as unknown as Slots;
  own[buffer] = Buffer.allocUnsafeSlow(bufferBytes);
  own[callback] = (count: number, into: Buffer): boolean => {
    isHeld = take(into.subarray(0, count));
    return true;
  };
  own[next] = (): Buffer | undefined => (isHeld ? Buffer.allocUnsafeSlow(bufferBytes) : undefined);
  handle.useUserBuffer(own[buffer] as Buffer);
  return true;
}
