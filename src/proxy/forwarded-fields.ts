// HOT PATH (npm run bench). The lines that Postern itself adds towards the workload, after everything of their names was
// stripped: who the peer is, the decision, the correlation, and where the request came from.

import type { DecisionEvent } from '../audit/decision-event.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import { correlationFields } from './correlation.ts';
import type { ExchangeHost } from './exchange-services.ts';

/** Serialised lines for `serializeRequestHead`. */
export function forwardedFields(host: ExchangeHost, head: RequestHead, event: DecisionEvent): string {
  let lines = host.identityFields;
  if (host.sendsDecisionId) lines += `x-postern-decision-id: ${event.decisionId}\r\n`;
  lines += correlationFields(event.correlation);
  return lines + sourceFields(host.peerIp, head);
}

/** `x-forwarded-for` and `forwarded` (RFC 7239) are appended to, never trusted; the latter only where the caller used it. */
function sourceFields(peerIp: string, head: RequestHead): string {
  const before = head.fields.get('x-forwarded-for');
  const chain = before === undefined ? peerIp : `${head.fields.getAll('x-forwarded-for').join(', ')}, ${peerIp}`;
  const line = `x-forwarded-for: ${chain}\r\n`;
  if (head.fields.get('forwarded') === undefined) return line;
  const node = peerIp.includes(':') ? `"[${peerIp}]"` : peerIp;
  return `${line}forwarded: ${head.fields.getAll('forwarded').join(', ')}, for=${node};proto=https\r\n`;
}
