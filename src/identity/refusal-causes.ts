// Why a certificate is refused, as a closed table. The causes stand in records and metrics, so they are API; docs and
// `postern identity inspect` explain them from here.

/** What each cause means, and how the owner of the certificate mends it. */
export const refusalCauses = {
  certificate_malformed: {
    means: 'the certificate is not strict DER of X.509 version 3',
    mend: 'issue it with another tool',
  },
  uri_san_count: {
    means: 'the certificate has no URI SAN, or several',
    mend: 'issue it with exactly one URI SAN, the SPIFFE ID',
  },
  spiffe_id_invalid: {
    means: 'its URI SAN is not a valid SPIFFE ID',
    mend: 'issue it with spiffe://TRUST-DOMAIN/PATH, lower-case trust domain',
  },
  spiffe_id_without_path: {
    means: 'its SPIFFE ID names a trust domain and no workload',
    mend: 'issue it with a path in the SPIFFE ID',
  },
  leaf_is_ca: { means: 'it may act as a CA (CA:TRUE)', mend: 'issue it with basicConstraints CA:FALSE' },
  key_usage_missing: { means: 'it has no key usage', mend: 'issue it with keyUsage critical,digitalSignature' },
  digital_signature_missing: {
    means: 'its key usage lacks digitalSignature',
    mend: 'issue it with keyUsage critical,digitalSignature',
  },
  leaf_can_sign: {
    means: 'its key usage holds keyCertSign or cRLSign',
    mend: 'issue it with keyUsage critical,digitalSignature only',
  },
  extended_key_usage: {
    means: 'its extended key usage does not fit the role',
    mend: 'issue it with extendedKeyUsage serverAuth,clientAuth',
  },
  unknown_critical_extension: {
    means: 'a critical extension is not understood',
    mend: 'issue it without that extension, or not critical',
  },
  key_weak: {
    means: 'its key is too weak or of an unknown kind',
    mend: 'use P-256, P-384, Ed25519, or RSA of at least 2048 bits',
  },
  signature_weak: { means: 'it is signed with a weak or unknown algorithm', mend: 'sign it with SHA-256 or better' },
  not_yet_valid: { means: 'its validity has not begun', mend: 'check the clocks of the issuer and of this host' },
  expired: { means: 'its validity is over', mend: 'issue a new one; look why rotation did not' },
  revoked: {
    means: 'it, its ID, or a CA of its chain is on the list of revocations, or in a CRL of its issuer',
    mend: 'no mend here while it is revoked; `policy.revocations` or the CRL says why and since when',
  },
  crl_expired: {
    means: 'a CRL of a CA of its chain is over its time, so that nobody knows whether it is revoked',
    mend: 'get the current CRL from its CA; `identity.crl.expired: use` goes by the old one',
  },
  chain_too_long: {
    means: 'more certificates were shown than are looked at',
    mend: 'send the leaf and the intermediates it needs, nothing else',
  },
  trust_domain_unknown: {
    means: 'there is no bundle for its trust domain',
    mend: 'add the trust domain under identity.federation',
  },
  authority_unknown: {
    means: 'no authority in the bundle of its trust domain issued it',
    mend: 'update the bundle of that trust domain, or send the missing intermediates',
  },
  authority_of_other_trust_domain: {
    means: 'its issuer is trusted, but for another trust domain',
    mend: 'no mend here: that authority may not issue such identities; look who did',
  },
  issuer_not_ca: {
    means: 'a certificate of its chain signs without being a CA',
    mend: 'issue the intermediate with basicConstraints critical,CA:TRUE',
  },
  issuer_key_usage: {
    means: 'a certificate of its chain signs without keyCertSign',
    mend: 'issue the intermediate with keyUsage critical,keyCertSign',
  },
  issuer_extended_key_usage: {
    means: 'a CA of its chain may not issue for this role',
    mend: 'issue the intermediate with a fitting extendedKeyUsage, or none',
  },
  issuer_expired: { means: 'a CA of its chain has expired', mend: 'rotate the CA and its bundle' },
  issuer_not_yet_valid: {
    means: 'the validity of a CA of its chain has not begun',
    mend: 'check the clocks of the issuer and of this host',
  },
  issuer_key_weak: {
    means: 'the key of a CA of its chain is too weak',
    mend: 'rotate the CA to P-256, P-384, Ed25519, or RSA of at least 2048 bits',
  },
  issuer_signature_weak: {
    means: 'an intermediate is signed with a weak or unknown algorithm',
    mend: 'sign it with SHA-256 or better',
  },
  issuer_unknown_critical_extension: {
    means: 'a CA of its chain has a critical extension that is not understood',
    mend: 'issue the CA without that extension, or not critical',
  },
  issuer_spiffe_id: {
    means: 'a CA of its chain bears a SPIFFE ID that is invalid, has a path, or is of another trust domain',
    mend: 'issue the CA with the bare SPIFFE ID of its trust domain',
  },
  issuer_malformed: {
    means: 'a CA of its chain is not strict DER of X.509 version 3',
    mend: 'issue the CA with another tool',
  },
  path_length_exceeded: {
    means: 'more CAs stand below one than its path length allows',
    mend: 'raise pathlen of that CA, or shorten the chain',
  },
  name_constraint: {
    means: 'a CA of its chain may not issue for this name',
    mend: 'issue it from a CA whose name constraints permit it',
  },
  path_search_limit: {
    means: 'the certificates shown allow too many paths',
    mend: 'send the leaf and the intermediates it needs, nothing else',
  },
} as const satisfies Record<string, { readonly means: string; readonly mend: string }>;

/** The closed union of causes. */
export type RefusalCause = keyof typeof refusalCauses;

/** One reason against a certificate; `detail` is for operators, on one line, never for the peer. */
export interface Refusal {
  readonly cause: RefusalCause;
  readonly detail: string;
}

/** A frozen refusal; without a detail, what the cause means. */
export function refusal(cause: RefusalCause, detail: string = refusalCauses[cause].means): Refusal {
  return Object.freeze({ cause, detail });
}
