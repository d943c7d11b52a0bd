// Standard output as something to write to without ever stopping the loop for a reader that stops. What that takes
// depends on what it is: a file never makes anyone wait; a pipe is opened anew, so that its non-blocking flag is our own;
// a socket (systemd, some supervisors) or a pipe that may not be opened again is written through the loop. Writing those
// through the thread pool would do too, but a pool thread that is stuck in write(2) keeps a process from ending.

import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { systemWriteCalls, type WriteCalls } from './paced-writer.ts';

/** An opened standard output. */
export interface StdoutDescriptor {
  readonly fd: number;
  readonly calls: WriteCalls;
  /** True where `writeSync` must not be used. */
  readonly alwaysPooled: boolean;
  /** Lets go; what is still under way is given up. */
  close(): void;
}

/** Opens a descriptor for writing without waiting. `calls` are those of the kernel but in tests. */
export function openStdout(fd: number, calls: WriteCalls = systemWriteCalls): StdoutDescriptor {
  const stat = fstatSync(fd);
  const own = stat.isFIFO() ? reopen(fd) : null;
  if (own !== null) return { fd: own, calls, alwaysPooled: false, close: () => closeSync(own) };
  if (!stat.isFIFO() && !stat.isSocket()) return { fd, calls, alwaysPooled: false, close: () => {} };
  const socket = new LoopSocket(fd);
  return { fd, calls: socketCalls(socket), alwaysPooled: true, close: () => socket.letGo() };
}

/** Null where the pipe belongs to another user. */
function reopen(fd: number): number | null {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}

/** A socket over a descriptor that is not ours to close, unless a write is stuck in it. */
class LoopSocket extends Socket {
  constructor(fd: number) {
    super({ fd, readable: false, writable: true });
    this.unref();
    // Each write hears of it too.
    this.on('error', () => {});
  }

  letGo(): void {
    if (this.writableLength > 0) super._destroy(null, () => {});
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    callback(error);
  }
}

function socketCalls(socket: Socket): WriteCalls {
  return {
    writeSync: () => {
      throw new TypeError('a socket is not written synchronously');
    },
    write: (_fd, bytes, offset, done) => {
      socket.write(bytes.subarray(offset), (error) => done(error ?? null, error ? 0 : bytes.length - offset));
    },
  };
}
