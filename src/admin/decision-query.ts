// The query of /decisions, read strictly: a mistyped name must not show everything as if it had been filtered.

import type { DecisionFilter } from './recent-decisions.ts';

/** A filter, or what is wrong with the query. */
export type DecisionQuery =
  | { readonly kind: 'filter'; readonly filter: DecisionFilter }
  | { readonly kind: 'refused'; readonly detail: string };

const names: readonly string[] = Object.freeze(['decision', 'peer', 'reason', 'limit']);
const defaultLimit = 50;
const mostLimit = 1_000;

export function readDecisionQuery(query: URLSearchParams): DecisionQuery {
  const seen = [...query.keys()];
  const unknown = seen.find((name) => !names.includes(name));
  if (unknown !== undefined) return refused(`unknown parameter; there are: ${names.join(', ')}`);
  if (new Set(seen).size !== seen.length) return refused('a parameter may stand once');
  const decision = query.get('decision') ?? undefined;
  if (decision !== undefined && decision !== 'allow' && decision !== 'deny') {
    return refused('decision is allow or deny');
  }
  const limit = query.get('limit') ?? String(defaultLimit);
  if (!/^[1-9]\d{0,3}$/.test(limit) || Number(limit) > mostLimit) return refused(`limit is 1 to ${mostLimit}`);
  const peer = query.get('peer') ?? undefined;
  const reason = query.get('reason') ?? undefined;
  return { kind: 'filter', filter: { decision, peer, reason, limit: Number(limit) } };
}

function refused(detail: string): DecisionQuery {
  return { kind: 'refused', detail };
}
