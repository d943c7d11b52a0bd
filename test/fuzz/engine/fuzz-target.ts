// What a target of the fuzzer is: inputs to begin with, and what must hold for every one made of them.

import type { MutationSource } from './mutation.ts';

/** One reader of outside bytes and what is promised of it. */
export interface FuzzTarget {
  readonly name: string;
  /** One line for `--help`: what is promised. */
  readonly promise: string;
  /** Sources, files or folders, whose coverage leads. */
  readonly covers: readonly string[];
  /** Inputs to begin with; each character is one octet. */
  readonly seeds: readonly string[];
  /** Tokens to put in. */
  readonly dictionary: readonly string[];
  /** Changes of its own, for half of the inputs. */
  readonly mutate?: (input: string, source: MutationSource) => string;
  /** Throws or rejects where a promise is broken. What else it draws on must follow from the input alone. */
  check(input: string): void | Promise<void>;
}
