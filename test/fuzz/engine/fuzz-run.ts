// The loop: inputs made of the corpus run in batches; a batch that reached a block for the first time is halved until it is
// known which input did, and that one joins the corpus. One input of each batch also runs alone, so that reaching a block
// more often counts too. Reading coverage is what costs, hence the batches.

import { BlockCoverage, type CoverageReading, SeenBlocks } from './block-coverage.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { mutate } from './mutation.ts';
import type { SeededRandom } from './seeded-random.ts';

/** When a run ends, and what it tells. */
export interface FuzzRunOptions {
  readonly random: SeededRandom;
  /** Milliseconds of `performance.now()`. */
  readonly untilMs: number;
  /** Besides the seeds of the target. */
  readonly corpus: readonly string[];
  /** Called after each batch. */
  readonly onProgress: (progress: FuzzProgress) => void;
}

export interface FuzzProgress {
  readonly executions: number;
  readonly corpus: readonly string[];
  /** Characters of the watched sources that ran, and all. */
  readonly coverage: () => { readonly covered: number; readonly total: number };
}

/** An input for which a promise does not hold. */
export interface FuzzFinding {
  readonly input: string;
  readonly error: unknown;
}

export interface FuzzReport extends FuzzProgress {
  readonly finding: FuzzFinding | null;
}

/** Reading coverage costs as much as some 50 inputs: batches grow while nothing new is reached. */
const batchSizes = { first: 32, least: 16, most: 1024 };
/** Above this one input takes too long: a reader of outside bytes must not be held up by them. */
const slowestCheckMs = 1_000;

/** Loads the target with coverage on, and tries inputs until the time is over or one of them fails. */
export async function fuzz(load: () => Promise<FuzzTarget>, options: FuzzRunOptions): Promise<FuzzReport> {
  const coverage = new BlockCoverage();
  try {
    const target = await load();
    return await new FuzzRun(target, coverage, options).run();
  } finally {
    coverage.close();
  }
}

class FuzzRun {
  readonly #target: FuzzTarget;
  readonly #coverage: BlockCoverage;
  readonly #options: FuzzRunOptions;
  readonly #seen: SeenBlocks;
  readonly #corpus: string[] = [];
  #executions = 0;
  #batchSize = batchSizes.first;
  #finding: FuzzFinding | null = null;

  constructor(target: FuzzTarget, coverage: BlockCoverage, options: FuzzRunOptions) {
    this.#target = target;
    this.#coverage = coverage;
    this.#options = options;
    this.#seen = new SeenBlocks(target.covers);
  }

  async run(): Promise<FuzzReport> {
    for (const input of [...this.#target.seeds, ...this.#options.corpus]) {
      const isNew = this.#seen.add(await this.#measure([input]));
      if (isNew || this.#target.seeds.includes(input)) this.#corpus.push(input);
    }
    while (this.#finding === null && performance.now() < this.#options.untilMs) {
      await this.#batch();
      this.#options.onProgress(this.#progress());
    }
    return { ...this.#progress(), finding: this.#finding };
  }

  #progress(): FuzzProgress {
    return { executions: this.#executions, corpus: this.#corpus, coverage: () => this.#seen.size };
  }

  async #batch(): Promise<void> {
    const inputs = Array.from({ length: this.#batchSize }, () => this.#make());
    const isNew = this.#seen.isNew(await this.#measure(inputs));
    if (isNew) await this.#keepNew(inputs);
    this.#batchSize = isNew
      ? Math.max(batchSizes.least, this.#batchSize >> 1)
      : Math.min(batchSizes.most, this.#batchSize + (this.#batchSize >> 2));
    const alone = this.#options.random.pick(inputs);
    if (this.#seen.add(await this.#measure([alone]))) this.#corpus.push(alone);
  }

  /** The newest inputs are those least tried. */
  #make(): string {
    const { random } = this.#options;
    const other = (): string => random.pick(this.#corpus);
    const newest = Math.max(0, this.#corpus.length - 16);
    const from = random.oneIn(3) ? this.#corpus[newest + random.below(this.#corpus.length - newest)]! : other();
    const source = { random, other, dictionary: this.#target.dictionary };
    const own = this.#target.mutate;
    return own !== undefined && random.oneIn(2) ? own(from, source) : mutate(from, source);
  }

  async #keepNew(inputs: readonly string[]): Promise<void> {
    if (inputs.length === 1) {
      if (this.#seen.add(await this.#measure(inputs))) this.#corpus.push(inputs[0]!);
      return;
    }
    const middle = inputs.length >> 1;
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      if (this.#finding !== null) return;
      if (this.#seen.isNew(await this.#measure(half))) await this.#keepNew(half);
    }
  }

  async #measure(inputs: readonly string[]): Promise<CoverageReading> {
    for (const input of inputs) {
      if (this.#finding !== null) break;
      this.#executions++;
      const error = await failureOf(this.#target, input);
      if (error !== null) this.#finding = { input, error };
    }
    return this.#coverage.take();
  }
}

/** What is wrong with an input, or null. Slowness is believed when it is seen twice: the machine may have been busy. */
export async function failureOf(target: FuzzTarget, input: string): Promise<unknown> {
  for (const isLast of [false, true]) {
    const startedMs = performance.now();
    try {
      const pending = target.check(input);
      if (pending !== undefined) await pending;
    } catch (error) {
      return error;
    }
    const tookMs = performance.now() - startedMs;
    if (tookMs < slowestCheckMs) return null;
    if (isLast) return new Error(`one input of ${input.length} octets took ${tookMs.toFixed(0)} ms`);
  }
  return null;
}
