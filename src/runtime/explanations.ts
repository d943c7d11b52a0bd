// Explanations of decisions, under the policy in force: of a request that is asked about, and of a recorded one.

import { type Explanation, explainDecision } from '../authz/explain.ts';
import type { AuthzRequest } from '../authz/model.ts';
import { requestFromJson } from '../authz/request-json.ts';
import { PosternError } from '../errors.ts';
import type { PolicyRuntime } from './policy-runtime.ts';
import { requestOfRecord } from './recorded-request.ts';

/** @throws PosternError ERR_POLICY_REQUEST for a request that is not valid, ERR_POLICY_UNREADABLE where none is loaded */
export function explainRequest(policy: PolicyRuntime, request: unknown, nowMs: number): Explanation {
  return explain(policy, requestFromJson(request, nowMs));
}

/** Null where the record cannot be judged again. */
export function explainRecord(
  policy: PolicyRuntime,
  record: Readonly<Record<string, unknown>>,
  nowMs: number,
): Explanation | null {
  const request = requestOfRecord(record, nowMs);
  return request === null ? null : explain(policy, request);
}

function explain(policy: PolicyRuntime, request: AuthzRequest): Explanation {
  const { bundles } = policy;
  if (bundles === null) throw new PosternError('ERR_POLICY_UNREADABLE', 'no policy is loaded');
  const decision = policy.planFor(request.principal, request.tls).decide(request);
  return explainDecision(bundles.enforced, request, decision);
}
