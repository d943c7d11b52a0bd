// A place in a file that an operator wrote.

/** Where in an input a fault was found; lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}
