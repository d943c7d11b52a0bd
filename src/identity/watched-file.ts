// A list that an operator keeps in a file, as it is in force: watched, and read again whole when it changes. One that
// cannot be read is told, and the last good one stays: what it says must not end because somebody mistyped.

import { stat } from 'node:fs/promises';
import { type ErrorCode, isPosternError, PosternError } from '../errors.ts';
import { type FileWatch, watchFiles } from '../lib/file-watch.ts';
import { LatestValue } from '../lib/latest.ts';
import { readSettled } from '../lib/read-settled.ts';

/** What the file holds, and how it is read. */
export interface FileForm<T> {
  /** As messages name it, such as `revocations`. */
  readonly what: string;
  readonly code: ErrorCode;
  /** Largest file, bytes. */
  readonly maxBytes: number;
  /** How to get below that. */
  readonly mendTooLarge: string;
  /** In force where no file is named. */
  readonly none: T;
  /** @throws PosternError with a finding for each fault */
  readonly parse: (text: string, file: string) => T | Promise<T>;
}

export interface WatchedFileOptions<T> {
  /** Time between two looks at the file, milliseconds. */
  readonly pollMs: number;
  /** What was read was refused, and the last good one stays. */
  readonly onRefused: (error: PosternError) => void;
  /** Another value is in force. */
  readonly onChanged: (value: T) => void;
  /** A subscriber threw, or notification of file changes does not work. */
  readonly onListenerError: (error: unknown) => void;
}

/** Default: a change that notification misses is seen within a second. */
export const watchedFileDefaults = Object.freeze({ pollMs: 1_000 });

const settleMs = 50;

/** What was read and may be put in force. */
export interface PreparedFile<T> {
  readonly value: T;
  commit(): Promise<void>;
}

export class WatchedFile<T> extends LatestValue<T> {
  readonly #form: FileForm<T>;
  readonly #options: WatchedFileOptions<T>;
  #file: string | null = null;
  #watch: FileWatch | null = null;
  #reading: Promise<void> = Promise.resolve();
  #text = '';
  #refused = 0;

  private constructor(form: FileForm<T>, options: WatchedFileOptions<T>) {
    super(form.none, options.onListenerError);
    this.#form = form;
    this.#options = options;
  }

  /** Reads the file, absolute, and starts to watch it; null: there is none. @throws PosternError as `readForm` */
  static async open<T>(
    form: FileForm<T>,
    options: WatchedFileOptions<T> & { readonly file: string | null },
  ): Promise<WatchedFile<T>> {
    const opened = new WatchedFile(form, options);
    await (await opened.prepare(options.file)).commit();
    return opened;
  }

  /** Files that were refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Reads `file`, which may be another one than now. @throws PosternError; then nothing changes */
  async prepare(file: string | null): Promise<PreparedFile<T>> {
    const before = this.#text;
    const read = await readWithText(this.#form, file);
    return {
      value: read.value,
      commit: async () => {
        // Where the watch took another text of the same file meanwhile, that is the newer one.
        if (file !== this.#file || this.#text === before) this.#take(read);
        if (file !== this.#file) await this.#follow(file);
        // What was written after the reading and before the watch began.
        this.#readSoon();
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
  }

  #readSoon(): void {
    this.#reading = this.#reading.then(() => this.#readAgain());
  }

  async #readAgain(): Promise<void> {
    const file = this.#file;
    try {
      const read = await readWithText(this.#form, file);
      // A reload named another file meanwhile.
      if (file === this.#file) this.#take(read);
    } catch (error) {
      this.#refused++;
      const coded = isPosternError(error) ? error : new PosternError('ERR_INTERNAL', String(error), { cause: error });
      this.#options.onRefused(coded);
    }
  }

  #take({ value, text }: Read<T>): void {
    if (text === this.#text) return;
    this.#text = text;
    this.publish(value);
    this.#options.onChanged(value);
  }
}

/** Reads a file once; null: there is none. @throws PosternError of the form's code, ERR_IDENTITY_FILE */
export async function readForm<T>(form: FileForm<T>, file: string | null): Promise<T> {
  return (await readWithText(form, file)).value;
}

interface Read<T> {
  readonly value: T;
  /** The file as it was, to tell a change from a touch. */
  readonly text: string;
}

async function readWithText<T>(form: FileForm<T>, file: string | null): Promise<Read<T>> {
  if (file === null) return { value: form.none, text: '' };
  const text = await readText(form, file);
  return { value: await form.parse(text, file), text };
}

async function readText<T>({ what, code, maxBytes, mendTooLarge }: FileForm<T>, file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= maxBytes) return (await readSettled(file)).toString();
  } catch (cause) {
    throw new PosternError('ERR_IDENTITY_FILE', `cannot read the ${what} \`${file}\``, { cause });
  }
  throw new PosternError(code, `\`${file}\` is larger than ${maxBytes} bytes`, { mend: mendTooLarge });
}
