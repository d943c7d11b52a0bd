// HOT PATH (npm run bench). The lines that Postern itself adds towards the workload, after everything of their names was
// stripped: who the peer is, the decision, the correlation, and where the request came from.

import type { DecisionEvent } from '../audit/decision-event.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import { upgradeLines } from '../wire/websocket-handshake.ts';
import { correlationFields } from './correlation.ts';
import type { ExchangeHost } from './exchange-services.ts';

/** Serialised lines for `serializeRequestHead`. */
export function forwardedFields(host: ExchangeHost, head: RequestHead, event: DecisionEvent): string {
  let lines = head.upgrade === null ? host.identityFields : upgradeLines + host.identityFields;
  if (host.sendsDecisionId) lines += `x-postern-decision-id: ${event.decisionId}\r\n`;
  lines += correlationFields(event.correlation);
  const { peerIp, side } = host;
  return (
    lines + (peerIp === null ? keptSourceFields(head) : sourceFields(peerIp, head, side.tls.version === undefined))
  );
}

/** The workload calls: what it says of others stays, and that it is on this machine is nobody's business. */
function keptSourceFields(head: RequestHead): string {
  let lines = '';
  for (const name of ['x-forwarded-for', 'forwarded']) {
    for (const value of head.fields.getAll(name)) lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/** `x-forwarded-for` and `forwarded` (RFC 7239) are appended to, never trusted; the latter only where the caller used it. */
function sourceFields(peerIp: string, head: RequestHead, isPlain: boolean): string {
  const before = head.fields.get('x-forwarded-for');
  const chain = before === undefined ? peerIp : `${head.fields.getAll('x-forwarded-for').join(', ')}, ${peerIp}`;
  const line = `x-forwarded-for: ${chain}\r\n`;
  if (head.fields.get('forwarded') === undefined) return line;
  const node = peerIp.includes(':') ? `"[${peerIp}]"` : peerIp;
  const said = head.fields.getAll('forwarded').join(', ');
  return `${line}forwarded: ${closesItsQuotes(said) ? `${said}, ` : ''}for=${node};proto=${isPlain ? 'http' : 'https'}\r\n`;
}

/** A quoted string that stays open (RFC 9110 §5.6.4) would swallow what is appended: such a chain begins anew. */
function closesItsQuotes(value: string): boolean {
  let isQuoted = false;
  for (let at = 0; at < value.length; at++) {
    const character = value[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\\' && isQuoted) at++;
  }
  return !isQuoted;
}
