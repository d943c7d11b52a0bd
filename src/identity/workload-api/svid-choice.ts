// Which of several X509-SVIDs is the own one (SPIFFE_Workload_API §5.2.1, §5.3): the first, or the one that configuration
// names by SPIFFE ID or by hint.

import { PosternError } from '../../errors.ts';
import { shown } from '../shown-text.ts';
import type { AgentSvid } from './agent-messages.ts';

/** Both null: the first one. */
export interface SvidChoice {
  readonly spiffeId: string | null;
  readonly hint: string | null;
}

const mostNamed = 10;

/** The first that fits. @throws PosternError ERR_WORKLOAD_API_SVID naming what there is instead */
export function chooseSvid(svids: readonly AgentSvid[], { spiffeId, hint }: SvidChoice): AgentSvid {
  if (svids.length === 0) throw new PosternError('ERR_WORKLOAD_API_ANSWER', 'the agent sent no X509-SVID');
  const found = svids.find(
    (one) => (spiffeId === null || one.spiffeId === spiffeId) && (hint === null || one.hint === hint),
  );
  if (found !== undefined) return found;
  const wanted = [
    ...(spiffeId === null ? [] : [`the SPIFFE ID ${shown(spiffeId)}`]),
    ...(hint === null ? [] : [`the hint ${shown(hint)}`]),
  ].join(' and ');
  throw new PosternError(
    'ERR_WORKLOAD_API_SVID',
    `the agent serves no X509-SVID with ${wanted}, but ${namesOf(svids)}`,
  );
}

function namesOf(svids: readonly AgentSvid[]): string {
  const names = svids.slice(0, mostNamed).map((one) => {
    return one.hint === '' ? shown(one.spiffeId) : `${shown(one.spiffeId)} (hint ${shown(one.hint)})`;
  });
  const more = svids.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}
