// A fault as fields of a line of the operational log.

import { PosternError } from '../errors.ts';

/** What of a fault goes into the operational log. */
export function faultFields(error: unknown): Record<string, unknown> {
  if (error instanceof PosternError) return { code: error.code, error: error.message, mend: error.mend };
  return { code: 'ERR_INTERNAL', error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
