// Bundles of further trust domains that configuration names by file, beside those of the agent: read once, and again when
// a file changes.

import type { Clock } from '../../lib/clock.ts';
import { type FileWatch, watchFiles } from '../../lib/file-watch.ts';
import { readFederated } from '../bundle-files.ts';
import { type FederatedBundleFile, type FileText, readFileSet } from '../identity-files.ts';
import type { IdentityReading } from '../identity-state.ts';

const pollMs = 5_000;
const settleMs = 50;

export interface FederatedFilesOptions {
  readonly clock: Clock;
  readonly onChange: () => void;
  readonly onListenerError: (error: unknown) => void;
}

export class FederatedFiles {
  readonly #files: readonly FederatedBundleFile[];
  readonly #options: FederatedFilesOptions;
  #watch: FileWatch | null = null;
  #texts: ReadonlyMap<string, FileText> = new Map();
  #reading: Promise<void> = Promise.resolve();

  constructor(files: readonly FederatedBundleFile[], options: FederatedFilesOptions) {
    this.#files = files;
    this.#options = options;
  }

  /** Reads the files; those that cannot be read are faults of `read`. */
  async open(): Promise<void> {
    const { onListenerError } = this.#options;
    if (this.#files.length === 0) return;
    const onChange = (): void => {
      this.#reading = this.#reading.then(() => this.#readAgain()).catch(onListenerError);
    };
    this.#watch = watchFiles({ paths: this.#paths, pollMs, settleMs, onChange, onError: onListenerError });
    await this.#watch.ready;
    this.#texts = await readFileSet(this.#paths);
  }

  /** The bundles by trust domain, as the files were last read. */
  read(nowMs: number): IdentityReading['federated'] {
    return readFederated(this.#texts, this.#files, nowMs);
  }

  async close(): Promise<void> {
    this.#watch?.close();
    await this.#reading;
  }

  get #paths(): string[] {
    return this.#files.map((one) => one.bundleFile);
  }

  async #readAgain(): Promise<void> {
    this.#texts = await readFileSet(this.#paths);
    this.#options.onChange();
  }
}
