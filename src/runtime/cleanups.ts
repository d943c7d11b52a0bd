// What must be ended, in the opposite order of building: whatever fails on the way up takes down what was built before it.

type Cleanup = () => Promise<void> | void;

export class Cleanups {
  readonly #all: Cleanup[] = [];

  /** The last one that is added runs first. */
  add(...cleanups: readonly Cleanup[]): void {
    this.#all.push(...cleanups);
  }

  /** Runs all, each once. One that fails does not keep the others from running. */
  async run(): Promise<void> {
    for (const cleanup of this.#all.splice(0).reverse()) {
      try {
        await cleanup();
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }
}
