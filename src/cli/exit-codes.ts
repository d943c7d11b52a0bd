// Exit codes of every command; they are API for scripts and CI.

export const exitCodes = {
  /** Done; the answer is yes. */
  done: 0,
  /** The answer is no: a finding, a failed test, a deny under `--exit-code`. */
  no: 1,
  /** Wrong usage or configuration. */
  usage: 2,
  /** An I/O or network fault. */
  io: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
