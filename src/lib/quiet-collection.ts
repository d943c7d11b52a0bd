// Gives memory back when it gets quiet. V8 collects the old generation when it has grown, and an idle process does not
// grow: what a burst of connections left behind would stay resident for good. So a process that has been idle for a while
// asks for one collection if enough has piled up. It stops the loop for 50 ms or so, when hardly anybody can be waiting.

export interface QuietCollectionOptions {
  /** Collects the old generation; undefined where V8 was not started with `--expose-gc`, and nothing is done. */
  readonly collect: (() => void) | undefined;
  /** Bytes of JavaScript objects, garbage included. */
  readonly heapUsed: () => number;
  /** CPU time of the process, ms. Not how busy the loop seems: on a crowded machine that counts the others' turns. */
  readonly cpuMs: () => number;
  /** A clock that never goes back, ms. */
  readonly nowMs: () => number;
  /** Time between two looks, milliseconds. Default 500. */
  readonly everyMs: number;
  /** Looks in a row that find the process idle before a collection; the first needs one. Default 4. */
  readonly quietLooks: number;
  /** Share of a core that an idle process uses, at most. Default 0.02. */
  readonly idleShare: number;
  /** Growth since the last collection that is worth one, bytes. Default 16 MiB. */
  readonly worthBytes: number;
}

export const quietCollectionDefaults = Object.freeze({
  everyMs: 500,
  quietLooks: 4,
  idleShare: 0.02,
  worthBytes: 16 * 1024 * 1024,
});

export class QuietCollection {
  readonly #options: QuietCollectionOptions;
  #timer: NodeJS.Timeout | undefined;
  #lastLook: { readonly cpuMs: number; readonly atMs: number };
  #quietLooks: number;
  /** What the last collection left; at first everything counts as grown. */
  #leftBytes = 0;

  constructor(options: QuietCollectionOptions) {
    this.#options = options;
    this.#lastLook = this.#measure();
    // Nobody has come to rely on it yet when the garbage of the start goes.
    this.#quietLooks = options.quietLooks - 1;
  }

  /** Begins to look. The timer keeps no process alive. */
  start(): void {
    if (this.#options.collect === undefined) return;
    this.#timer ??= setInterval(() => this.look(), this.#options.everyMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One look; collects where it is time to. */
  look(): void {
    const { idleShare, quietLooks, worthBytes, heapUsed, collect } = this.#options;
    const last = this.#lastLook;
    const now = this.#measure();
    this.#lastLook = now;
    const isIdle = now.cpuMs - last.cpuMs <= idleShare * (now.atMs - last.atMs);
    if (isIdle) this.#quietLooks++;
    else if (this.#leftBytes > 0) this.#quietLooks = 0;
    if (this.#quietLooks < quietLooks) return;
    this.#quietLooks = 0;
    if (heapUsed() - this.#leftBytes < worthBytes) return;
    collect?.();
    this.#leftBytes = heapUsed();
    // The collection itself cost time.
    this.#lastLook = this.#measure();
  }

  #measure() {
    return { cpuMs: this.#options.cpuMs(), atMs: this.#options.nowMs() };
  }
}
