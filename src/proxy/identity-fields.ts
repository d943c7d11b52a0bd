// What the workload is told about the peer: made once a connection, sent with each of its requests.

import type { IdentitySnapshot } from '../identity/source.ts';
import { formatClientCert } from '../wire/client-cert-field.ts';
import type { InboundOptions } from './inbound-options.ts';
import type { AdmittedPeer } from './peer-admission.ts';

/** Whole lines, for `serializeRequestHead`. */
export function identityFields(options: InboundOptions, admitted: AdmittedPeer, snapshot: IdentitySnapshot): string {
  const { peer, principal } = admitted;
  let lines = '';
  if (options.workloadHeaders.includes('x-forwarded-client-cert')) {
    const value = formatClientCert({
      by: snapshot.svid.id.toString(),
      hash: peer.fingerprintSha256,
      uri: principal.id,
    });
    lines += `x-forwarded-client-cert: ${value}\r\n`;
  }
  if (options.workloadHeaders.includes('x-postern-peer')) lines += `x-postern-peer: ${principal.id}\r\n`;
  return lines;
}
