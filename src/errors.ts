// The one error class of Postern and the closed list of its codes. Codes are API: SIEM rules, tests and callers depend
// on them. docs/errors.md is generated from `errorCatalog`, so a code without an explanation cannot exist.

/**
 * Every code, with what it means and how an operator mends it. `exit` is the exit code of the command line when the
 * error ends a command: 2 for wrong usage, configuration or input, 3 for an I/O or network fault.
 */
export const errorCatalog = {
  ERR_USAGE: { exit: 2, means: 'the command line is wrong', mend: 'see `postern COMMAND --help`' },
  ERR_INTERNAL: {
    exit: 3,
    means: 'a defect in Postern; the request is denied',
    mend: 'report it with the decision id',
  },
} as const satisfies Record<string, ErrorEntry>;

interface ErrorEntry {
  readonly exit: 2 | 3;
  readonly means: string;
  readonly mend: string;
}

/** The closed union of error codes. */
export type ErrorCode = keyof typeof errorCatalog;

/** Where in an input a fault was found; lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What may accompany a code. */
export interface PosternErrorDetails {
  readonly cause?: unknown;
  readonly position?: SourcePosition;
  /** How to mend this very case, where it says more than the catalog. */
  readonly mend?: string;
}

/**
 * A coded fault. The message is lower case, without a full stop or line break, outside input in backticks, never a
 * secret; it is meant for operators and logs, never for a peer.
 */
export class PosternError extends Error {
  readonly code: ErrorCode;
  readonly position: SourcePosition | undefined;
  readonly mend: string;

  constructor(code: ErrorCode, message: string, details: PosternErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PosternError';
    this.code = code;
    this.position = details.position;
    this.mend = details.mend ?? errorCatalog[code].mend;
  }
}

/** True for a PosternError, of the given code if one is named. */
export function isPosternError(value: unknown, code?: ErrorCode): value is PosternError {
  return value instanceof PosternError && (code === undefined || value.code === code);
}
