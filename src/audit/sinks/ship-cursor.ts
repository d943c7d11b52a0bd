// How far one receiver has taken a journal: DIR/cursors/NAME.json, a place for each stream. Written whole and renamed, so
// that a crash leaves the place before or the one after; held by one process at a time.

import { existsSync, mkdirSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PosternError } from '../../errors.ts';
import { faultCode } from '../fault-code.ts';
import { objectOf, parseObject } from '../service-parse.ts';
import { type StreamLock, tryLock } from '../stream-lock.ts';

/** Everything of a stream before this place was delivered. */
export interface StreamPlace {
  /** Index of the segment. */
  readonly segment: number;
  /** First byte of the segment that was not delivered. */
  readonly offset: number;
  /** Last record that was delivered; 0 for none. */
  readonly seq: number;
}

/** Names a cursor, and with it a file. */
export const cursorName = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** One receiver's places, with the lock that makes them ours. */
export class ShipCursor {
  readonly places: Map<string, StreamPlace>;
  /** True until the journal was gone through once under this name. */
  isNew: boolean;
  readonly #folder: string;
  readonly #name: string;
  readonly #path: string;
  #lock: StreamLock;
  #hasForgotten = false;

  private constructor(
    { folder, name, path }: { readonly folder: string; readonly name: string; readonly path: string },
    lock: StreamLock,
    places: Map<string, StreamPlace> | null,
  ) {
    this.#folder = folder;
    this.#name = name;
    this.#path = path;
    this.#lock = lock;
    this.places = places ?? new Map();
    this.isNew = places === null;
  }

  /** @throws PosternError ERR_SHIP_BUSY, ERR_SHIP_CURSOR */
  static async open(dir: string, name: string): Promise<ShipCursor> {
    const folder = join(dir, 'cursors');
    const path = join(folder, `${name}.json`);
    const lock = takeLock(folder, name);
    try {
      return new ShipCursor({ folder, name, path }, lock, await readPlaces(path));
    } catch (error) {
      lock.release();
      throw cannotKeep(path, error);
    }
  }

  /** Makes the places durable. @throws PosternError ERR_SHIP_CURSOR */
  async save(): Promise<void> {
    const streams = Object.fromEntries(this.places);
    const next = `${this.#path}.next`;
    try {
      const file = await open(next, 'w', 0o600);
      try {
        await file.writeFile(`${JSON.stringify({ version: 1, streams })}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(next, this.#path);
    } catch (error) {
      throw cannotKeep(this.#path, error);
    }
  }

  /**
   * Makes the places durable again where the folder was taken away with them and is there anew: the next start would
   * else take what is missing for what was before its time.
   * @throws PosternError ERR_SHIP_BUSY, ERR_SHIP_CURSOR
   */
  async keep(): Promise<void> {
    if (this.isNew || existsSync(this.#path) || !existsSync(dirname(this.#folder))) return;
    if (!existsSync(lockPath(this.#folder, this.#name))) {
      const lock = takeLock(this.#folder, this.#name);
      this.#lock.release();
      this.#lock = lock;
    }
    await this.save();
  }

  /**
   * Forgets streams that are not there, once: what was taken away later may come back, or go on behind what is missing.
   */
  forgetAllBut(there: ReadonlySet<string>): void {
    if (this.#hasForgotten) return;
    this.#hasForgotten = true;
    for (const streamId of this.places.keys()) if (!there.has(streamId)) this.places.delete(streamId);
  }

  close(): void {
    this.#lock.release();
  }
}

function lockPath(folder: string, name: string): string {
  return join(folder, `${name}.lock`);
}

function takeLock(folder: string, name: string): StreamLock {
  let lock: StreamLock | null;
  try {
    mkdirSync(folder, { recursive: false, mode: 0o700 });
  } catch (error) {
    if (faultCode(error) !== 'EEXIST') throw cannotKeep(folder, error);
  }
  try {
    lock = tryLock(lockPath(folder, name));
  } catch (error) {
    throw cannotKeep(folder, error);
  }
  if (lock === null) throw new PosternError('ERR_SHIP_BUSY', `another process ships under the name \`${name}\``);
  return lock;
}

/** Null where there is no file. One that cannot be understood means: from the beginning, twice rather than never. */
export async function readPlaces(path: string): Promise<Map<string, StreamPlace> | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (faultCode(error) === 'ENOENT') return null;
    throw error;
  }
  const streams = objectOf(parseObject(text)?.['streams']);
  const places = new Map<string, StreamPlace>();
  for (const [streamId, value] of Object.entries(streams ?? {})) {
    const place = objectOf(value);
    const [segment, offset, seq] = [place?.['segment'], place?.['offset'], place?.['seq']];
    if (isCount(segment) && isCount(offset) && isCount(seq)) places.set(streamId, { segment, offset, seq });
  }
  return places;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function cannotKeep(path: string, cause: unknown): PosternError {
  return new PosternError('ERR_SHIP_CURSOR', `cannot keep \`${path}\`: ${faultCode(cause)}`, { cause });
}
