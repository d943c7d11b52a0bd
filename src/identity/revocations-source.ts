// The revocation list in force (config: policy.revocations). The file is watched; a list that cannot be read is told, and
// the last good one stays: a revocation must not end because somebody mistyped.

import { readFile, stat } from 'node:fs/promises';
import { isPosternError, PosternError } from '../errors.ts';
import { type FileWatch, watchFiles } from '../lib/file-watch.ts';
import { LatestValue } from '../lib/latest.ts';
import { RevocationList } from './revocation-list.ts';
import { maxRevocationBytes, parseRevocations } from './revocations-file.ts';

export interface RevocationsOptions {
  /** Absolute; null: nothing is revoked. */
  readonly file: string | null;
  /** Time between two looks at the file, milliseconds. */
  readonly pollMs: number;
  /** A list was refused, and the last good one stays. */
  readonly onRefused: (error: PosternError) => void;
  /** Another list is in force; `size` rows. */
  readonly onChanged: (size: number) => void;
  /** A subscriber threw, or notification of file changes does not work. */
  readonly onListenerError: (error: unknown) => void;
}

/** Default: a change that notification misses is seen within a second. */
export const revocationsDefaults = Object.freeze({ pollMs: 1_000 });

const settleMs = 50;

/** A list that was read and may be put in force. */
export interface PreparedRevocations {
  commit(): Promise<void>;
}

/** Reads the file and starts to watch it. @throws PosternError ERR_REVOCATIONS_INVALID, ERR_IDENTITY_FILE */
export async function openRevocations(options: RevocationsOptions): Promise<Revocations> {
  const revocations = new Revocations(options);
  await (await revocations.prepare(options.file)).commit();
  return revocations;
}

export class Revocations extends LatestValue<RevocationList> {
  readonly #options: RevocationsOptions;
  #file: string | null = null;
  #watch: FileWatch | null = null;
  #reading: Promise<void> = Promise.resolve();
  #text = '';
  #refused = 0;

  constructor(options: RevocationsOptions) {
    super(RevocationList.empty, options.onListenerError);
    this.#options = options;
  }

  /** Lists that were refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Reads the list of `file`, which may be another one than now. @throws PosternError; then nothing changes */
  async prepare(file: string | null): Promise<PreparedRevocations> {
    const read = await readList(file);
    return {
      commit: async () => {
        this.#take(read);
        if (file !== this.#file) await this.#follow(file);
      },
    };
  }

  async close(): Promise<void> {
    this.#watch?.close();
    await this.#reading;
  }

  async #follow(file: string | null): Promise<void> {
    this.#watch?.close();
    this.#watch = null;
    this.#file = file;
    if (file === null) return;
    const { pollMs, onListenerError } = this.#options;
    const onChange = (): void => this.#readSoon();
    this.#watch = watchFiles({ paths: [file], pollMs, settleMs, onChange, onError: onListenerError });
    await this.#watch.ready;
    // What was written between the reading and the watch.
    this.#readSoon();
  }

  #readSoon(): void {
    this.#reading = this.#reading.then(() => this.#readAgain());
  }

  async #readAgain(): Promise<void> {
    try {
      this.#take(await readList(this.#file));
    } catch (error) {
      this.#refused++;
      const coded = isPosternError(error) ? error : new PosternError('ERR_INTERNAL', String(error), { cause: error });
      this.#options.onRefused(coded);
    }
  }

  #take({ list, text }: ReadList): void {
    if (text === this.#text) return;
    this.#text = text;
    this.publish(list);
    this.#options.onChanged(list.size);
  }
}

/** Reads a list once; null: an empty one. @throws PosternError ERR_REVOCATIONS_INVALID, ERR_IDENTITY_FILE */
export async function readRevocations(file: string | null): Promise<RevocationList> {
  return (await readList(file)).list;
}

interface ReadList {
  readonly list: RevocationList;
  /** The file as it was, to tell a change from a touch. */
  readonly text: string;
}

async function readList(file: string | null): Promise<ReadList> {
  if (file === null) return { list: RevocationList.empty, text: '' };
  const text = await readText(file);
  return { list: new RevocationList(parseRevocations(text, file)), text };
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= maxRevocationBytes) return await readFile(file, 'utf8');
  } catch (cause) {
    throw new PosternError('ERR_IDENTITY_FILE', `cannot read the revocations \`${file}\``, { cause });
  }
  throw new PosternError('ERR_REVOCATIONS_INVALID', `\`${file}\` is larger than ${maxRevocationBytes} bytes`, {
    mend: 'take out rows whose time is over, or revoke by pattern',
  });
}
