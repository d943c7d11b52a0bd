// A file that grows by one line a record. Whoever rotates it renames it: the next group then begins a new file of the
// name, so that nothing has to be told (a SIGHUP does no harm, and is not needed).

import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { faultCode } from '../fault-code.ts';
import type { EncodedRecord } from './encoded-record.ts';
import { allTaken, type Receiver, type Reception } from './receiver.ts';

interface OpenFile {
  readonly handle: FileHandle;
  readonly identity: string;
}

export class FileReceiver implements Receiver {
  readonly #path: string;
  #file: OpenFile | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  async send(group: readonly EncodedRecord[]): Promise<Reception> {
    try {
      const { handle } = await this.#current();
      await handle.appendFile(group.map(({ text }) => `${text}\n`).join(''));
      // The cursor is durable, so what it says was delivered must be.
      await handle.datasync();
      return allTaken;
    } catch (error) {
      await this.#letGo();
      return { answer: { kind: 'later', why: `\`${this.#path}\`: ${faultCode(error)}` }, retryAfterMs: null };
    }
  }

  renew(): void {}

  close(): void {
    void this.#letGo();
  }

  async #current(): Promise<OpenFile> {
    const there = await stat(this.#path, { bigint: true }).catch(() => null);
    if (this.#file !== null && there !== null && identityOf(there) === this.#file.identity) return this.#file;
    await this.#letGo();
    const handle = await open(this.#path, 'a+', 0o600);
    try {
      const opened = await handle.stat({ bigint: true });
      // A line that was cut off by a full disk or a crash must not swallow the next one.
      if (await endsInLine(handle, Number(opened.size))) await handle.appendFile('\n');
      this.#file = { handle, identity: identityOf(opened) };
    } catch (error) {
      await handle.close();
      throw error;
    }
    return this.#file;
  }

  async #letGo(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.handle.close().catch(() => {});
  }
}

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

async function endsInLine(handle: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 1 && buffer[0] !== 0x0a;
}
