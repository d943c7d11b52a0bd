// What a workload behind `protocol: tcp` is told of who connects: a PROXY header of version 2, with the ends as the record has
// them, the verified SPIFFE ID and the decision id.

import type { DecisionEvent } from '../audit/decision-event.ts';
import { encodeProxyHeader, type ProxyEnds, proxyFieldTypes } from '../wire/proxy-header.ts';

/** The header of an allowed connection. One without an identity has no field for it. */
export function workloadHeader({ decisionId, request }: DecisionEvent): Uint8Array {
  const { spiffeId } = request.principal;
  const text = (value: string): Uint8Array => Buffer.from(value, 'latin1');
  const id = typeof spiffeId === 'string' ? [{ type: proxyFieldTypes.spiffeId, value: text(spiffeId) }] : [];
  return encodeProxyHeader(endsOf(request.network), [
    ...id,
    { type: proxyFieldTypes.decisionId, value: text(decisionId) },
  ]);
}

function endsOf(network: DecisionEvent['request']['network']): ProxyEnds | null {
  const source = endOf(network.sourceIp, network.sourcePort);
  const destination = endOf(network.destinationIp, network.destinationPort);
  return source === null || destination === null ? null : { source, destination };
}

function endOf(address: unknown, port: unknown): ProxyEnds['source'] | null {
  return typeof address === 'string' && typeof port === 'number' ? { address, port } : null;
}
