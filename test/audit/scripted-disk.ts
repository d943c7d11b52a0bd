// A disk that does what a test says: the real one with faults put before it.

import { systemWriteCalls, type WriteCalls } from '../../src/audit/paced-writer.ts';

/** What the next write does: all that is asked, so many bytes, an errno, so many bytes and then an errno, or a delay. */
export type DiskStep =
  | { readonly kind: 'short'; readonly bytes: number }
  | { readonly kind: 'fail'; readonly code: string }
  | { readonly kind: 'block'; readonly ms: number };

/** An error as the kernel's. */
export function errno(code: string): Error {
  return Object.assign(new Error(`${code}: scripted`), { code });
}

/** Takes one step for each write, then behaves. */
export class ScriptedDisk implements WriteCalls {
  readonly steps: DiskStep[] = [];
  /** Sizes that were written, by call. */
  readonly written: number[] = [];
  /** When set, asynchronous writes wait for it. */
  gate: Promise<void> | null = null;

  writeSync(fd: number, bytes: Uint8Array, offset: number): number {
    const step = this.steps.shift();
    if (step?.kind === 'fail') throw errno(step.code);
    if (step?.kind === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, step.ms);
    const end = step?.kind === 'short' ? Math.min(bytes.length, offset + step.bytes) : bytes.length;
    const count = systemWriteCalls.writeSync(fd, bytes.subarray(0, end), offset);
    this.written.push(count);
    return count;
  }

  write(fd: number, bytes: Uint8Array, offset: number, done: (error: Error | null, written: number) => void): void {
    const go = (): void => {
      try {
        const count = this.writeSync(fd, bytes, offset);
        setImmediate(() => done(null, count));
      } catch (error) {
        setImmediate(() => done(error as Error, 0));
      }
    };
    if (this.gate === null) go();
    else void this.gate.then(go);
  }
}
