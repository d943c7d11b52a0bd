// `x-forwarded-client-cert` in Envoy's form, which workloads know: `By=…;Hash=…;URI=…`.

import { escapeFieldValue } from './escape-field-value.ts';

/** The value of the field; `hash` is the SHA-256 of the certificate in hex. */
export function formatClientCert(peer: { readonly by: string; readonly hash: string; readonly uri: string }): string {
  return `By=${escapeFieldValue(peer.by)};Hash=${peer.hash};URI=${escapeFieldValue(peer.uri)}`;
}
