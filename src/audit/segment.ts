// One file of a stream, open for writing. Only whole lines count: `goodBytes` is where the last of them ends.

import { close, closeSync, constants, fdatasync, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { basename } from 'node:path';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** An open segment. */
export class Segment {
  readonly path: string;
  readonly fd: number;
  readonly firstSeq: number;
  goodBytes = 0;

  /** Makes the file, which must not be there yet; throws with an errno code. */
  constructor(path: string, firstSeq: number) {
    this.path = path;
    this.firstSeq = firstSeq;
    this.fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  }

  get name(): string {
    return basename(this.path);
  }

  /** Takes away what stands behind the last good line; throws with an errno code. */
  cut(): void {
    ftruncateSync(this.fd, this.goodBytes);
  }

  /** False when the file was deleted or somebody else changed its length. */
  isIntact(): boolean {
    const { nlink, size } = fstatSync(this.fd);
    return nlink > 0 && size === this.goodBytes;
  }

  sync(done: (error: Error | null) => void): void {
    fdatasync(this.fd, done);
  }

  /** Closes without waiting for the disk. */
  close(): void {
    closeSync(this.fd);
  }

  /** Sends all to the disk, then closes; faults go to `done`. */
  syncAndClose(done: (error: Error | null) => void): void {
    fdatasync(this.fd, (syncError) => close(this.fd, (closeError) => done(syncError ?? closeError ?? null)));
  }
}
