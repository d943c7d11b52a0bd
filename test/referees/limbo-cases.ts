// Verdicts on chains that follow the cases of C2SP x509-limbo (commit 8a2e6f41), those that fit a TLS client: what limbo
// expects, what OpenSSL says in Node's handshake, and what Postern's second step says. A client is let in where both accept.
// Where that, or OpenSSL alone, is not what limbo expects, the row has a judgement. `npm run docs` makes docs/x509-limbo.md.

/** A case by limbo's name for it. */
export interface LimboCase {
  readonly id: string;
  readonly limbo: 'valid' | 'invalid';
  /** `accepted` or the reason; null where it is judged at a time that is not now, which OpenSSL cannot be told. */
  readonly openssl: string | null;
  /** `accepted` or the cause of the refusal. */
  readonly postern: string;
  readonly judgement: string | null;
}

const judgements = {
  leafCa: 'a CA certificate is no identity of a workload, whoever signed it (X509-SVID §5.2)',
  emptyCa:
    'the name only finds the CA; what it signed is proved by its key, and only an operator puts it into a bundle',
  critical: 'a rule for issuers: `CA:TRUE` says the same whether critical or not',
  keyUsage: 'an X509-SVID has a key usage (X509-SVID §4.3)',
  keyId: 'a rule for issuers: key identifiers help to find a path and prove nothing',
  aia: 'a rule of the public web; where to find the issuer is never read, Postern fetches nothing that a peer names',
  eku: 'a rule of the public web; X509-SVID §4.4 has no such one, and what a purpose allows is applied',
  policy:
    'certificate policies are not asked for, so nothing follows from their constraints; critical ones are refused',
  sanCritical: 'a rule for issuers: the SAN is read whether critical or not',
  dnsUnused: 'a DNS name of a client names nobody here; only the SPIFFE ID does',
  dnsDot: 'read as OpenSSL reads it, subdomains only; a DNS name of a client names nobody here',
  serialZero:
    'RFC 5280 §4.1.2.2 asks readers to bear with it; the fingerprint, not the serial, names a certificate in a record',
  skew: 'clocks differ: 60 s are granted at the beginning, none at the end',
  fraction: 'to the millisecond, the stricter of two readings that limbo calls ambiguous',
  ncNoncritical: 'a rule for issuers: the constraint is applied all the same',
  ncKind:
    'stricter: constraints on addresses, mail and directory names are not evaluated, so names of such a kind are refused',
  ncLeaf: 'a leaf signs nothing, so a constraint in it is about nobody',
  onePath:
    'OpenSSL follows the first issuer of that name and no other; a client sends the chain that leads to the bundle, and no twin of it',
  second: 'OpenSSL takes it; the second step is there for such',
} as const;

type Row = readonly [
  id: string,
  limbo: 'valid' | 'invalid',
  openssl: string | null,
  postern: string,
  why?: keyof typeof judgements,
];

const rows: readonly Row[] = [
  ['pathlen::ee-with-intermediate-pathlen-0', 'valid', 'accepted', 'accepted'],
  ['pathlen::ee-with-intermediate-pathlen-1', 'valid', 'accepted', 'accepted'],
  ['pathlen::ee-with-intermediate-pathlen-2', 'valid', 'accepted', 'accepted'],
  ['pathlen::validation-ignores-pathlen-in-leaf', 'valid', 'INVALID_PURPOSE', 'leaf_is_ca', 'leafCa'],
  ['pathlen::intermediate-violates-pathlen-0', 'invalid', 'PATH_LENGTH_EXCEEDED', 'path_length_exceeded'],
  ['pathlen::intermediate-pathlen-may-increase', 'valid', 'accepted', 'accepted'],
  ['pathlen::intermediate-pathlen-too-long', 'invalid', 'PATH_LENGTH_EXCEEDED', 'path_length_exceeded'],
  ['pathlen::self-issued-certs-pathlen', 'valid', 'accepted', 'accepted'],
  ['rfc5280::ee-empty-issuer', 'invalid', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'authority_unknown'],
  ['rfc5280::ca-empty-subject', 'invalid', 'accepted', 'accepted', 'emptyCa'],
  ['rfc5280::unknown-critical-extension-ee', 'invalid', 'unhandled critical extension', 'unknown_critical_extension'],
  [
    'rfc5280::unknown-critical-extension-root',
    'invalid',
    'unhandled critical extension',
    'issuer_unknown_critical_extension',
  ],
  [
    'rfc5280::unknown-critical-extension-intermediate',
    'invalid',
    'unhandled critical extension',
    'issuer_unknown_critical_extension',
  ],
  ['rfc5280::unknown-critical-extension-unrelated-root', 'valid', 'accepted', 'accepted'],
  ['rfc5280::unknown-critical-extension-unrelated-intermediate', 'valid', 'accepted', 'accepted'],
  ['rfc5280::chain-untrusted-root', 'invalid', 'SELF_SIGNED_CERT_IN_CHAIN', 'authority_unknown'],
  ['rfc5280::intermediate-ca-without-ca-bit', 'invalid', 'INVALID_PURPOSE', 'issuer_not_ca'],
  ['rfc5280::intermediate-ca-missing-basic-constraints', 'invalid', 'INVALID_CA', 'issuer_not_ca'],
  ['rfc5280::root-non-critical-basic-constraints', 'invalid', 'accepted', 'accepted', 'critical'],
  [
    'rfc5280::root-inconsistent-ca-extensions',
    'invalid',
    'key usage does not include certificate signing',
    'issuer_key_usage',
  ],
  ['rfc5280::ica-ku-keycertsign', 'invalid', 'key usage does not include certificate signing', 'issuer_key_usage'],
  ['rfc5280::leaf-ku-keycertsign', 'invalid', 'accepted', 'leaf_can_sign', 'second'],
  ['rfc5280::ee-aia', 'valid', 'accepted', 'accepted'],
  ['rfc5280::ee-critical-aia-invalid', 'invalid', 'unhandled critical extension', 'unknown_critical_extension'],
  ['webpki::malformed-aia', 'invalid', 'accepted', 'accepted', 'aia'],
  ['rfc5280::duplicate-extensions', 'invalid', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate_malformed'],
  ['rfc5280::no-keyusage', 'valid', 'accepted', 'key_usage_missing', 'keyUsage'],
  ['rfc5280::no-basicconstraints', 'valid', 'accepted', 'accepted'],
  ['rfc5280::mismatching-signature-algorithm', 'invalid', 'CERT_SIGNATURE_FAILURE', 'certificate_malformed'],
  ['rfc5280::ca-as-leaf', 'valid', 'INVALID_PURPOSE', 'leaf_is_ca', 'leafCa'],
  ['webpki::ee-basicconstraints-ca', 'invalid', 'accepted', 'leaf_is_ca', 'second'],
  ['rfc5280::root-and-intermediate-swapped', 'valid', 'accepted', 'accepted'],
  ['rfc5280::aki::critical-aki', 'invalid', 'unhandled critical extension', 'accepted'],
  ['rfc5280::aki::leaf-missing-aki', 'invalid', 'accepted', 'accepted', 'keyId'],
  ['rfc5280::aki::intermediate-missing-aki', 'invalid', 'accepted', 'accepted', 'keyId'],
  ['rfc5280::aki::self-signed-root-missing-aki', 'valid', 'accepted', 'accepted'],
  ['rfc5280::aki::cross-signed-root-missing-aki', 'invalid', 'accepted', 'accepted', 'keyId'],
  ['rfc5280::ski::critical-ski', 'invalid', 'unhandled critical extension', 'accepted'],
  ['rfc5280::ski::root-missing-ski', 'invalid', 'accepted', 'accepted', 'keyId'],
  ['rfc5280::ski::intermediate-missing-ski', 'invalid', 'accepted', 'accepted', 'keyId'],
  ['rfc5280::eku::ee-wrong-eku', 'invalid', 'INVALID_PURPOSE', 'extended_key_usage'],
  ['rfc5280::eku::ee-without-eku', 'valid', 'accepted', 'accepted'],
  ['rfc5280::eku::ee-eku-empty', 'invalid', 'INVALID_PURPOSE', 'extended_key_usage'],
  ['webpki::eku::ee-anyeku', 'invalid', 'accepted', 'accepted', 'eku'],
  ['webpki::eku::ee-critical-eku', 'invalid', 'accepted', 'accepted', 'eku'],
  ['webpki::eku::root-has-eku', 'invalid', 'accepted', 'accepted', 'eku'],
  ['rfc5280::pc::ica-noncritical-pc', 'invalid', 'accepted', 'accepted', 'policy'],
  ['rfc5280::san::malformed', 'invalid', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate_malformed'],
  ['rfc5280::san::noncritical-with-empty-subject', 'invalid', 'accepted', 'accepted', 'sanCritical'],
  ['rfc5280::san::underscore-dns', 'invalid', 'accepted', 'accepted', 'dnsUnused'],
  ['rfc5280::san::ip-in-dns', 'invalid', 'accepted', 'accepted', 'dnsUnused'],
  ['rfc5280::serial::too-long', 'invalid', 'accepted', 'certificate_malformed', 'second'],
  ['rfc5280::serial::zero', 'invalid', 'accepted', 'accepted', 'serialZero'],
  ['rfc5280::validity::expired-root', 'invalid', 'CERT_HAS_EXPIRED', 'issuer_expired'],
  ['rfc5280::validity::expired-intermediate', 'invalid', 'CERT_HAS_EXPIRED', 'issuer_expired'],
  ['rfc5280::validity::expired-leaf', 'invalid', 'CERT_HAS_EXPIRED', 'expired'],
  ['rfc5280::validity::notbefore-exact', 'valid', null, 'accepted'],
  ['rfc5280::validity::notbefore-fractional', 'invalid', null, 'accepted', 'skew'],
  ['rfc5280::validity::notafter-exact', 'valid', null, 'accepted'],
  ['rfc5280::validity::notafter-fractional', 'valid', null, 'expired', 'fraction'],
  ['rfc5280::validity::expired-1-second', 'invalid', null, 'expired'],
  ['rfc5280::validity::expired-5-seconds', 'invalid', null, 'expired'],
  ['rfc5280::validity::not-yet-valid-1-second', 'invalid', null, 'accepted', 'skew'],
  ['rfc5280::validity::not-yet-valid-5-seconds', 'invalid', null, 'accepted', 'skew'],
  ['webpki::forbidden-weak-rsa-key-in-root', 'invalid', 'CA certificate key too weak', 'issuer_key_weak'],
  ['webpki::forbidden-weak-rsa-in-leaf', 'invalid', 'EE certificate key too weak', 'key_weak'],
  ['pathological::multiple-chains-expired-intermediate', 'valid', 'accepted', 'accepted'],
  [
    'pathological::intermediate-cycle-distinct-cas',
    'invalid',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'authority_unknown',
  ],
  [
    'pathological::intermediate-cycle-same-logical-ca',
    'invalid',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'authority_unknown',
  ],
  ['cve::cve-2024-0567', 'valid', 'accepted', 'accepted'],
  ['rfc5280::nc::permitted-dns-mismatch', 'invalid', 'permitted subtree violation', 'name_constraint'],
  ['rfc5280::nc::excluded-dns-match', 'invalid', 'excluded subtree violation', 'name_constraint'],
  ['rfc5280::nc::permitted-dns-match', 'valid', 'accepted', 'accepted'],
  ['rfc5280::nc::permitted-dns-match-noncritical', 'invalid', 'accepted', 'accepted', 'ncNoncritical'],
  ['rfc5280::nc::permitted-dns-match-more', 'valid', 'accepted', 'accepted'],
  ['rfc5280::nc::excluded-dns-match-second', 'invalid', 'excluded subtree violation', 'name_constraint'],
  ['rfc5280::nc::permitted-ip-mismatch', 'invalid', 'permitted subtree violation', 'name_constraint'],
  ['rfc5280::nc::excluded-ipv4-match', 'invalid', 'excluded subtree violation', 'name_constraint'],
  ['rfc5280::nc::excluded-ipv6-match', 'invalid', 'excluded subtree violation', 'name_constraint'],
  ['rfc5280::nc::permitted-ipv4-match', 'valid', 'accepted', 'name_constraint', 'ncKind'],
  ['rfc5280::nc::permitted-ipv6-match', 'valid', 'accepted', 'name_constraint', 'ncKind'],
  ['rfc5280::nc::permitted-dn-mismatch', 'invalid', 'permitted subtree violation', 'name_constraint'],
  ['rfc5280::nc::excluded-dn-match', 'invalid', 'excluded subtree violation', 'name_constraint'],
  ['rfc5280::nc::permitted-dn-match', 'valid', 'accepted', 'name_constraint', 'ncKind'],
  ['rfc5280::nc::permitted-dn-match-subject-san-mismatch', 'invalid', 'permitted subtree violation', 'name_constraint'],
  ['rfc5280::nc::excluded-dn-match-sub-mismatch', 'invalid', 'excluded subtree violation', 'name_constraint'],
  ['rfc5280::nc::permitted-self-issued', 'valid', 'accepted', 'accepted'],
  ['rfc5280::nc::excluded-self-issued-leaf', 'invalid', 'permitted subtree violation', 'name_constraint'],
  ['rfc5280::nc::excluded-match-permitted-and-excluded', 'invalid', 'excluded subtree violation', 'name_constraint'],
  ['rfc5280::nc::permitted-different-constraint-type', 'valid', 'accepted', 'accepted'],
  ['rfc5280::nc::excluded-different-constraint-type', 'valid', 'accepted', 'accepted'],
  ['rfc5280::nc::invalid-dnsname-wildcard', 'invalid', 'permitted subtree violation', 'name_constraint'],
  ['rfc5280::nc::invalid-dnsname-leading-period', 'invalid', 'accepted', 'accepted', 'dnsDot'],
  ['rfc5280::nc::invalid-ipv4-address', 'invalid', 'unsupported or invalid name syntax', 'name_constraint'],
  ['rfc5280::nc::invalid-ipv6-address', 'invalid', 'unsupported or invalid name syntax', 'name_constraint'],
  ['rfc5280::nc::invalid-email-address', 'invalid', 'permitted subtree violation', 'name_constraint'],
  ['rfc5280::nc::not-allowed-in-ee-noncritical', 'invalid', 'accepted', 'accepted', 'ncLeaf'],
  ['rfc5280::nc::not-allowed-in-ee-critical', 'invalid', 'accepted', 'accepted', 'ncLeaf'],
  [
    'rfc5280::nc::intermediate-with-san-rejected-by-intermediate-nc',
    'invalid',
    'permitted subtree violation',
    'name_constraint',
  ],
  [
    'rfc5280::nc::intermediate-with-san-rejected-by-root-nc',
    'invalid',
    'permitted subtree violation',
    'name_constraint',
  ],
  [
    'rfc5280::nc::restrictive-permits-in-intermediates-narrows',
    'invalid',
    'permitted subtree violation',
    'name_constraint',
  ],
  [
    'rfc5280::nc::restrictive-permits-in-intermediates-widens',
    'invalid',
    'permitted subtree violation',
    'name_constraint',
  ],
  ['rfc5280::nc::nc-permits-invalid-dns-san', 'invalid', 'accepted', 'accepted', 'dnsUnused'],
  ['rfc5280::nc::nc-permits-invalid-ip-san', 'invalid', 'unsupported or invalid name syntax', 'name_constraint'],
  ['rfc5280::nc::nc-permits-invalid-email-san', 'invalid', 'accepted', 'name_constraint', 'second'],
  ['rfc5280::nc::nc-forbids-alternate-chain-ica', 'valid', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'accepted', 'onePath'],
  ['rfc5280::nc::nc-forbids-same-chain-ica', 'valid', 'excluded subtree violation', 'accepted', 'onePath'],
  ['rfc5280::nc::nc-permits-email-exact', 'valid', 'accepted', 'name_constraint', 'ncKind'],
  ['rfc5280::nc::nc-permits-email-domain', 'valid', 'accepted', 'name_constraint', 'ncKind'],
  ['rfc5280::nc::nc-permits-email-literal-asterisk-exact-match', 'valid', 'accepted', 'name_constraint', 'ncKind'],
  [
    'rfc5280::nc::nc-permits-email-literal-asterisk-rejects-user',
    'invalid',
    'permitted subtree violation',
    'name_constraint',
  ],
  [
    'rfc5280::nc::nc-permits-email-literal-asterisk-rejects-subdomain',
    'invalid',
    'permitted subtree violation',
    'name_constraint',
  ],
  ['rfc5280::nc::nc-forbids-othername', 'invalid', 'unsupported name constraint type', 'name_constraint'],
  ['rfc5280::nc::nc-forbids-othername-noop', 'valid', 'accepted', 'accepted'],
  ['rfc5280::nc::nc-forbids-dnsname-wildcard-san', 'invalid', 'accepted', 'accepted', 'dnsUnused'],
];

/** All cases, in limbo's order. */
export const limboCases: readonly LimboCase[] = rows.map(([id, limbo, openssl, postern, why]) => ({
  id,
  limbo,
  openssl,
  postern,
  judgement: why === undefined ? null : judgements[why],
}));

/** Groups of limbo's cases that are not among these, and why. */
export const leftOut: readonly (readonly [group: string, why: string])[] = [
  [
    '`webpki::san`, `webpki::cn`, `webpki::nc`',
    'how the host name of a server is matched; a client is known by its SPIFFE ID',
  ],
  [
    '`webpki::aki`, the remaining of `webpki`',
    'rules for CAs of the public web, and kinds of keys that docs/wire.md does not list',
  ],
  ['`bettertls`, `online`', 'chains of the public web'],
  ['`pathlen::max-chain-depth-*`', 'a parameter that Postern has not: a chain has at most eight certificates'],
  ['`rfc5280::root-missing-basic-constraints`', 'a bundle with it is not read at all'],
  ['`rfc5280::serial::negative`', 'a saved certificate; the rule has a test where certificates are read'],
  [
    '`pathological::nc-dos-*`, `pathological-chain-*`',
    'longer than a handshake may be; the bounds of the search have tests of their own',
  ],
  ['`crl`', 'revocation lists have tests of their own'],
];
