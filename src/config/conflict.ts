// Two places of a configuration that cannot both hold.

import type { ErrorCode } from '../errors.ts';
import type { DataPath } from './config-source.ts';

/** A conflict at a place. */
export interface Conflict {
  readonly code: ErrorCode;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly mend: string;
  readonly path: DataPath;
}

export function conflict(message: string, mend: string, path: DataPath): Conflict {
  return { code: 'ERR_CONFIG_CONFLICT', severity: 'error', message, mend, path };
}
