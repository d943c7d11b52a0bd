// Gives memory back when it gets quiet. V8 collects the old generation when it has grown, and an idle process does not
// grow: what a burst of connections left behind would stay resident for good. So a process that has been idle for a while
// asks for one collection if enough has piled up or been done, and then returns what the allocator of C holds free.

export interface QuietCollectionOptions {
  /** Begins a collection of the old generation, which may go on in steps; undefined where V8 does not offer it. */
  readonly collect: (() => void) | undefined;
  /** Returns the free memory of the C library to the system; called when the collection is over and all is still quiet. */
  readonly giveBack: () => void;
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
  /** Growth since the last collection that is worth one, bytes. Default 8 MiB. */
  readonly worthBytes: number;
  /** Work since the last collection that is worth one, CPU ms: connections that close leave garbage, and nothing grows. Default 100. */
  readonly worthMs: number;
}

export const quietCollectionDefaults = Object.freeze({
  everyMs: 500,
  quietLooks: 4,
  idleShare: 0.02,
  worthBytes: 8 * 1024 * 1024,
  worthMs: 100,
});

/** `collecting`: begun at the last look; `collected`: what C holds free goes at the first idle look. */
type Phase = 'watching' | 'collecting' | 'collected';

export class QuietCollection {
  readonly #options: QuietCollectionOptions;
  #timer: NodeJS.Timeout | undefined;
  #phase: Phase = 'watching';
  #lastLook: { readonly cpuMs: number; readonly atMs: number };
  #quietLooks: number;
  /** What the last collection left; at first everything counts as grown. */
  #leftBytes = 0;
  /** CPU time of the looks since the last collection that found the process busy. */
  #workMs = 0;

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
    const last = this.#lastLook;
    this.#lastLook = this.#measure();
    const usedMs = this.#lastLook.cpuMs - last.cpuMs;
    const isIdle = usedMs <= this.#options.idleShare * (this.#lastLook.atMs - last.atMs);
    // The time since the last look is the collection's own.
    if (this.#phase === 'collecting') return this.#settle();
    if (!isIdle) this.#workMs += usedMs;
    this.#count(isIdle);
    if (isIdle && this.#phase === 'collected') return this.#return();
    if (this.#quietLooks >= this.#options.quietLooks) this.#collectIfWorth();
  }

  #count(isIdle: boolean): void {
    if (isIdle) this.#quietLooks++;
    else if (this.#leftBytes > 0) this.#quietLooks = 0;
  }

  #collectIfWorth(): void {
    const { worthBytes, worthMs, heapUsed, collect } = this.#options;
    this.#quietLooks = 0;
    if (heapUsed() - this.#leftBytes < worthBytes && this.#workMs < worthMs) return;
    collect?.();
    this.#phase = 'collecting';
    this.#workMs = 0;
  }

  #settle(): void {
    this.#leftBytes = this.#options.heapUsed();
    this.#phase = 'collected';
  }

  #return(): void {
    this.#phase = 'watching';
    this.#options.giveBack();
    // That cost time, which is no work.
    this.#lastLook = this.#measure();
  }

  #measure() {
    return { cpuMs: this.#options.cpuMs(), atMs: this.#options.nowMs() };
  }
}
