// What a caller of the admin API is told of a fault: coded ones in full, for it is the operator who asks; others not.

import { errorCatalog, isPosternError, type PosternError } from '../errors.ts';
import { type AdminAnswer, problem } from './admin-http.ts';

export function faultAnswer(error: unknown): AdminAnswer {
  if (!isPosternError(error)) return problem(500, 'a defect in Postern; the operational log has it');
  if (error.code === 'ERR_INTERNAL') return problem(500, error.message, faultMembers(error));
  return problem(statusOf(error), error.message, faultMembers(error));
}

/** Input that is refused as a whole (a configuration, a policy) is the file's fault, not the request's. */
function statusOf(error: PosternError): number {
  if (error.code === 'ERR_POLICY_REQUEST') return 400;
  return errorCatalog[error.code].exit === 2 ? 422 : 503;
}

function faultMembers(error: PosternError): Readonly<Record<string, unknown>> {
  const { code, mend, position, findings } = error;
  return {
    code,
    mend,
    ...(position === undefined ? {} : { position }),
    ...(findings.length === 0 ? {} : { findings }),
  };
}
