// Names of faults of the operating system.

/** `ENOSPC` and the like; the message on one line where an error has no code. */
export function faultCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return String(error instanceof Error ? error.message : error).replaceAll(/\s+/g, ' ');
}
