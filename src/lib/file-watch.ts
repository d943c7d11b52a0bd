// Watches files and folders by notification and by polling: notification is quick but is lost on some file systems and
// when a folder is replaced; polling always finds out. Kubernetes swaps a symbolic link beside the files, so parent
// folders are watched, and fingerprints follow links.

import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { fingerprintOf } from './file-fingerprint.ts';

export interface FileWatchOptions {
  /** Absolute paths of files or folders; they need not exist yet. */
  readonly paths: readonly string[];
  /** Time between two looks, milliseconds. */
  readonly pollMs: number;
  /** Quiet time that a change must be followed by before it is told, so that several writes are one; milliseconds. */
  readonly settleMs: number;
  /** Called once for each settled change. What it throws goes to `onError`. */
  readonly onChange: () => void;
  /** Notification does not work (then polling goes on alone), or `onChange` threw. */
  readonly onError: (error: unknown) => void;
}

export interface FileWatch {
  /** Resolves when later changes will be seen. Await it before reading the files, so that no change falls between. */
  readonly ready: Promise<void>;
  close(): void;
}

/** Starts to watch. Neither its timers nor its watchers keep the process alive. */
export function watchFiles(options: FileWatchOptions): FileWatch {
  const watcher = new FileWatcher(options);
  return { ready: watcher.start(), close: () => watcher.close() };
}

/** Longest that a file which keeps changing is waited for, in settle times. */
const mostSettles = 20;

class FileWatcher {
  readonly #options: FileWatchOptions;
  readonly #watchers = new Map<string, FSWatcher>();
  #state: 'idle' | 'looking' | 'look-again' | 'closed' = 'idle';
  #timer: NodeJS.Timeout | undefined;
  #seen = '';
  #notifies = true;

  constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#state = 'looking';
    this.#watchFolders();
    this.#seen = await this.#fingerprint();
    this.#rest();
  }

  close(): void {
    this.#state = 'closed';
    clearTimeout(this.#timer);
    for (const folder of [...this.#watchers.keys()]) this.#unwatch(folder);
  }

  /** Looks now, or once more after the look that is under way. */
  #look(): void {
    if (this.#state === 'looking') this.#state = 'look-again';
    if (this.#state !== 'idle') return;
    this.#state = 'looking';
    clearTimeout(this.#timer);
    void this.#compare().then(
      () => this.#rest(),
      (error: unknown) => {
        this.#options.onError(error);
        this.#rest();
      },
    );
  }

  async #compare(): Promise<void> {
    this.#watchFolders();
    let now = await this.#fingerprint();
    if (now === this.#seen || this.#isClosed()) return;
    for (let settles = 0; settles < mostSettles; settles++) {
      await this.#settle();
      const later = await this.#fingerprint();
      if (later === now) break;
      now = later;
    }
    if (this.#isClosed()) return;
    const before = this.#seen;
    this.#seen = now;
    // Back to what it was (an editor that writes and renames): nothing to tell.
    if (now !== before) this.#options.onChange();
  }

  #rest(): void {
    if (this.#isClosed()) return;
    const again = this.#state === 'look-again';
    this.#state = 'idle';
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), again ? this.#options.settleMs : this.#options.pollMs).unref();
  }

  // A method, for the compiler would otherwise take the state before an `await` for the one after it.
  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #settle(): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, this.#options.settleMs).unref();
    });
  }

  async #fingerprint(): Promise<string> {
    const parts = await Promise.all(this.#options.paths.map(fingerprintOf));
    return parts.join('\n');
  }

  /** Watches each path and its parent folder, as far as they exist and are not watched yet. */
  #watchFolders(): void {
    if (!this.#notifies || this.#isClosed()) return;
    for (const path of this.#options.paths) {
      this.#watch(dirname(path));
      this.#watch(path);
    }
  }

  #watch(path: string): void {
    if (this.#watchers.has(path) || !this.#notifies) return;
    try {
      const watcher = watch(path, { persistent: false }, (event) => {
        // `rename` may be the end of what is watched; the next look watches it anew.
        if (event === 'rename') this.#unwatch(path);
        this.#look();
      });
      watcher.on('error', (error) => this.#failed(path, error));
      this.#watchers.set(path, watcher);
    } catch (error) {
      this.#failed(path, error);
    }
  }

  #failed(path: string, error: unknown): void {
    this.#unwatch(path);
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    // Out of watches (ENOSPC, EMFILE) or not supported: it would fail again each time.
    this.#notifies = false;
    this.#options.onError(error);
  }

  #unwatch(path: string): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
  }
}
