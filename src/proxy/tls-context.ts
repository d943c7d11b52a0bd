// TLS settings of a listener (wire.md "TLS"): 1.3 only, mutual, no resumption. Derived from an identity snapshot and
// cached by it, so that a rotation serves new handshakes at once and costs one context.

import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { IdentitySnapshot } from '../identity/source.ts';
import { isSignedBy } from '../identity/trust-path.ts';

/** In order of preference: hybrid post-quantum first, as peers offer it by now. */
const curves = 'X25519MLKEM768:X25519:P-256';

/** The secure context of a snapshot. */
export function createServerContext(snapshot: IdentitySnapshot): SecureContext {
  return createSecureContext({
    cert: shownChainPem(snapshot),
    key: snapshot.svid.keyPem,
    ca: [...snapshot.bundles.allAuthoritiesPem],
    minVersion: 'TLSv1.3',
    ecdhCurve: curves,
    // A resumed session would skip the checks of the certificate (wire.md): no tickets, no resumption.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    // An authority of a SPIFFE bundle may itself be an intermediate (SPIFFE Trust Domain and Bundle §4).
    allowPartialTrustChain: true,
  });
}

/**
 * The own chain as peers are shown it, PEM. Where OpenSSL is given a leaf alone it builds a chain from its pool in every
 * handshake anew, each time with a check of our own signatures, and sends that. So the authority is named here, once.
 */
function shownChainPem({ svid, bundles }: IdentitySnapshot): string {
  const [leaf, ...intermediates] = svid.certificates;
  if (leaf === undefined || intermediates.length > 0) return svid.certChainPem;
  const own = bundles.get(svid.id.trustDomain)?.authorities ?? [];
  const issuer = own.find(({ certificate }) => leaf.checkIssued(certificate) && isSignedBy(leaf, certificate));
  return issuer === undefined ? svid.certChainPem : svid.certChainPem + issuer.certificate.toString();
}

/** Contexts by snapshot. */
export class TlsContexts {
  readonly #contexts = new WeakMap<IdentitySnapshot, SecureContext>();

  of(snapshot: IdentitySnapshot): SecureContext {
    const known = this.#contexts.get(snapshot);
    if (known !== undefined) return known;
    const made = createServerContext(snapshot);
    this.#contexts.set(snapshot, made);
    return made;
  }
}
