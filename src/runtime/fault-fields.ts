// A fault as fields of a line of the operational log.

import { PosternError } from '../errors.ts';
import { formatPosition } from '../lib/finding.ts';

/** What of a fault goes into the operational log. */
export function faultFields(error: unknown): Record<string, unknown> {
  if (error instanceof PosternError) {
    const { code, message, mend, position } = error;
    return { code, error: message, mend, ...(position === undefined ? {} : { position: formatPosition(position) }) };
  }
  return { code: 'ERR_INTERNAL', error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
