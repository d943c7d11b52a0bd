// Errors on their way from a worker to its supervisor: the operator is told the same as by a single process.

import { isPosternError, PosternError } from '../errors.ts';
import type { FaultData } from './worker-calls.ts';

/** Any thrown value as data; a defect keeps its stack in the message of the log, not here. */
export function faultData(error: unknown): FaultData {
  if (isPosternError(error)) {
    const { code, message, mend, findings, position } = error;
    return { code, message, mend, findings, position };
  }
  return faultData(new PosternError('ERR_INTERNAL', String(error), { cause: error }));
}

export function faultOf({ code, message, mend, findings, position }: FaultData): PosternError {
  return new PosternError(code, message, { mend, findings, ...(position === undefined ? {} : { position }) });
}
