// The one error class of Postern and the closed list of its codes. Codes are API: SIEM rules, tests and callers depend
// on them. docs/errors.md is generated from `errorCatalog`, so a code without an explanation cannot exist.

import type { Finding } from './lib/finding.ts';

/**
 * Every code, with what it means and how an operator mends it. `exit` is the exit code of the command line when the
 * error ends a command: 2 for wrong usage, configuration or input, 3 for an I/O or network fault.
 */
export const errorCatalog = {
  ERR_USAGE: { exit: 2, means: 'the command line is wrong', mend: 'see `postern COMMAND --help`' },
  ERR_CONFIG_ROUTE: {
    exit: 2,
    means: 'a route of the route table cannot be compiled',
    mend: 'a path template starts with `/`; `{name}` is one whole segment, `{name...}` the rest; use only captures it has',
  },
  ERR_UPSTREAM_UNREACHABLE: {
    exit: 3,
    means: 'the workload does not accept connections; the caller gets 503',
    mend: 'see that the workload listens where `forward:` says',
  },
  ERR_UPSTREAM_FAILED: {
    exit: 3,
    means: 'the workload broke off before or within its answer; the caller gets 502 or a cut connection',
    mend: 'look at the workload and its own log at the time of the decision id',
  },
  ERR_UPSTREAM_TIMEOUT: {
    exit: 3,
    means: 'the workload sent nothing for too long; the caller gets 504',
    mend: 'make the workload faster or raise `limits.upstream_response`',
  },
  ERR_POLICY_INVALID: {
    exit: 2,
    means: 'a policy file does not load; the whole bundle is refused and the last good one stays in force',
    mend: 'see every finding with `postern policy lint`, and docs/policy-language.md',
  },
  ERR_POLICY_UNREADABLE: {
    exit: 3,
    means: 'a policy file or folder cannot be read; the last good bundle stays in force',
    mend: 'see that the path under `policy.paths` exists and is readable',
  },
  ERR_POLICY_REQUEST: {
    exit: 2,
    means: 'an evaluation request is not of the documented form',
    mend: 'see `evaluation request` in docs/policy-language.md',
  },
  ERR_CLI_INPUT: {
    exit: 2,
    means: 'what was given on stdin or as a file to a command cannot be used',
    mend: 'see `postern COMMAND --help` for the form it takes',
  },
  ERR_CONFIG_VALUE: {
    exit: 2,
    means: 'a value of the configuration is of the wrong type, form or range',
    mend: 'see docs/configuration.md for what the key takes',
  },
  ERR_CONFIG_KEY: {
    exit: 2,
    means: 'a key of the configuration is unknown or missing; a misspelt key never counts as absent',
    mend: 'see docs/configuration.md for the keys of each section',
  },
  ERR_CONFIG_SYNTAX: {
    exit: 2,
    means: 'the file is not the plain YAML or JSON that Postern reads (no anchors, aliases, tags or repeated keys)',
    mend: 'mend the text at the place named',
  },
  ERR_CONFIG_VARIABLE: {
    exit: 2,
    means: 'the configuration names an environment variable that is not set',
    mend: 'set the variable, or write `$${` for a literal `${`',
  },
  ERR_CONFIG_NOT_YET: {
    exit: 2,
    means: 'the key or value is part of the contract but not in this version; it is refused, never ignored',
    mend: 'remove it, or use a version that has it',
  },
  ERR_CONFIG_CONFLICT: {
    exit: 2,
    means: 'two parts of the configuration cannot both hold: a name or an address used twice, a loop, no record kept',
    mend: 'change one of the two places',
  },
  ERR_CONFIG_UNSAFE: {
    exit: 2,
    means: 'the configuration would give up a protection without saying so by an `unsafe_` key',
    mend: 'see docs/configuration.md for the safe form',
  },
  ERR_CONFIG_INVALID: {
    exit: 2,
    means: 'the configuration was refused; every fault is listed with its place',
    mend: 'mend the findings; `postern check -c FILE` lists them again',
  },
  ERR_CONFIG_READ: {
    exit: 2,
    means: 'a file of the configuration cannot be read',
    mend: 'check that the path is right and that the user of Postern may read it',
  },
  ERR_LISTEN: {
    exit: 3,
    means: 'a listener cannot bind its address',
    mend: 'free the address or change `listen:`',
  },
  ERR_JOURNAL_UNAVAILABLE: {
    exit: 3,
    means: 'a decision cannot be put on record; its request is denied with 503',
    mend: 'see that the disk of `audit.journal.dir` is there, writable and not full; Postern goes on by itself',
  },
  ERR_JOURNAL_NOT_FOUND: {
    exit: 2,
    means: 'there is no journal at that place',
    mend: 'give the folder that `audit.journal.dir` names; it holds one folder for each start of Postern',
  },
  ERR_JOURNAL_UNREADABLE: {
    exit: 3,
    means: 'a part of a journal cannot be read',
    mend: 'run as a user who may read the journal (its files have mode 0600), and see that the disk is well',
  },
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
  /** Every single fault, where one error stands for several. */
  readonly findings?: readonly Finding[];
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
  /** Empty, unless this error stands for several faults (a refused configuration or policy). */
  readonly findings: readonly Finding[];

  constructor(code: ErrorCode, message: string, details: PosternErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PosternError';
    this.code = code;
    this.position = details.position;
    this.mend = details.mend ?? errorCatalog[code].mend;
    this.findings = details.findings ?? [];
  }
}

/** True for a PosternError, of the given code if one is named. */
export function isPosternError(value: unknown, code?: ErrorCode): value is PosternError {
  return value instanceof PosternError && (code === undefined || value.code === code);
}
