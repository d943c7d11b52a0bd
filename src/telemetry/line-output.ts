// Standard error as something that takes what it can and never makes the process wait. What that needs depends on what
// it is: a pipe is opened anew, so that its non-blocking flag is ours alone; a socket (systemd) or a pipe that cannot be
// opened again is written through the event loop. The thread pool is no way: a thread stuck in write(2) keeps the process
// from ending.

import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** Where lines go. */
export interface LineOutput {
  /** Bytes taken, 0 while it is full. Throws when it can take nothing any more. */
  take(bytes: Buffer): number;
  /** True when all that was taken is out. */
  readonly isEmpty: boolean;
  /** Lets go; what was taken and is not out is given up. */
  close(): void;
}

/** A socket that has this much waiting takes no more. */
const mostInSocketBytes = 64 * 1024;

export function openLineOutput(fd: number): LineOutput {
  const stat = fstatSync(fd);
  const own = stat.isFIFO() ? reopen(fd) : null;
  if (own !== null) return new DescriptorOutput(own, true);
  return stat.isFIFO() || stat.isSocket() ? new SocketOutput(fd) : new DescriptorOutput(fd, false);
}

/** Null where the pipe belongs to another user, or /proc is not there. */
function reopen(fd: number): number | null {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}

/** A file or a terminal, or a pipe that does not block. */
class DescriptorOutput implements LineOutput {
  readonly isEmpty = true;
  readonly #fd: number;
  readonly #isOwn: boolean;

  constructor(fd: number, isOwn: boolean) {
    this.#fd = fd;
    this.#isOwn = isOwn;
  }

  take(bytes: Buffer): number {
    try {
      return writeSync(this.#fd, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
      throw error;
    }
  }

  close(): void {
    if (this.#isOwn) closeSync(this.#fd);
  }
}

class SocketOutput implements LineOutput {
  readonly #socket: OpenSocket;
  #fault: Error | null = null;

  constructor(fd: number) {
    this.#socket = new OpenSocket({ fd, readable: false, writable: true });
    this.#socket.unref();
    this.#socket.on('error', (error) => {
      this.#fault = error;
    });
  }

  get isEmpty(): boolean {
    return this.#fault !== null || this.#socket.writableLength === 0;
  }

  take(bytes: Buffer): number {
    if (this.#fault !== null) throw this.#fault;
    if (this.#socket.writableLength > mostInSocketBytes) return 0;
    this.#socket.write(bytes);
    return bytes.length;
  }

  close(): void {
    if (!this.isEmpty) this.#socket.letGo();
  }
}

/** Does not close the descriptor, which is not ours, unless a write is stuck in it. */
class OpenSocket extends Socket {
  letGo(): void {
    super._destroy(null, () => {});
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    callback(error);
  }
}
