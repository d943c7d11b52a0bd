// Every reason why a token is refused: one closed list for records, metrics, the caller's answer, `identity inspect` and
// the table in docs/identity.md.

interface TokenRefusalEntry {
  readonly means: string;
  readonly mend: string;
}

const entries = {
  token_missing: {
    means: 'the request has no `Authorization: Bearer` field, and the connection no certificate that would do',
    mend: 'send a token, or, where the listener takes both, a client certificate',
  },
  token_repeated: {
    means: 'the request has several `Authorization` fields: nobody could say which one counts',
    mend: 'send one',
  },
  token_too_large: { means: 'it is longer than 16 KiB', mend: 'ask the issuer for fewer claims' },
  token_malformed: {
    means: 'it is not a JWS in compact form with a JSON header and JSON claims (RFC 7515 §3.1)',
    mend: 'send the token as the issuer gave it; opaque and encrypted tokens are not taken',
  },
  algorithm_refused: {
    means: 'its `alg` is not one that this issuer may use; `none` and HMAC never are (RFC 8725 §3.1)',
    mend: 'have the issuer sign with RS256, PS256, ES256 or EdDSA, or name what it uses in `algorithms`',
  },
  header_refused: {
    means: 'its header asks for what is not understood (`crit`), or holds what JWT-SVID §2 does not allow',
    mend: 'have the issuer leave it out',
  },
  issuer_unknown: {
    means: 'no entry of `identity.tokens` is for its `iss`, or for the trust domain of its SPIFFE ID',
    mend: 'add the issuer to `identity.tokens`, spelt as the token has it',
  },
  keys_unavailable: {
    means: 'the keys of its issuer could not be fetched yet, so it can be neither accepted nor refused (503)',
    mend: 'see why in the log; `postern_token_keys_fetch_failures_total` counts the attempts',
  },
  key_unknown: {
    means: 'no key of its issuer has its `kid` and fits its `alg`',
    mend: 'see that the issuer publishes the key; keys are fetched again at most every 30 s',
  },
  key_ambiguous: {
    means: 'several keys of its issuer fit: it has no `kid`, or the issuer gives it twice',
    mend: 'have the issuer set a `kid` of its own for each key',
  },
  signature_invalid: {
    means: 'its signature was not made by the key of its issuer, or that key is too weak',
    mend: 'no mend here: it was changed on the way, or is forged',
  },
  claim_malformed: {
    means: 'a claim that must be there is missing or of the wrong type: `exp`, `sub`, `aud`, times, `jti`, `act`',
    mend: 'have the issuer set it as RFC 7519 §4.1 and RFC 8693 §4.1 have it',
  },
  audience_mismatch: {
    means: 'it was issued for somebody else: none of its `aud` is one of `audience`',
    mend: 'ask the issuer for a token with an audience of this service',
  },
  expired: { means: 'its `exp` has passed', mend: 'fetch a new token' },
  not_yet_valid: {
    means: 'its `nbf` or `iat` lies more than 60 seconds ahead',
    mend: 'check the clocks of the issuer and of this host',
  },
  claim_mismatch: {
    means: 'a claim has not one of the values that `require` asks for',
    mend: 'no mend here: the issuer issued it to somebody who is not meant',
  },
  claim_unfit: {
    means: 'a claim that the SPIFFE ID is made of is missing, or holds what a path segment may not',
    mend: 'use claims made of letters, digits, dot, dash and underscore; `{name...}` takes several segments',
  },
  subject_invalid: {
    means:
      'its `sub` cannot name anybody: not a SPIFFE ID of the trust domain (JWT-SVID §3.1), empty, too long, or one that looks like a SPIFFE ID in a token that is no SVID',
    mend: 'have the issuer set another subject, or make the ID with `spiffe_id`',
  },
  token_revoked: {
    means: 'it, or the identity that it names, is on the list of revocations',
    mend: 'no mend here while it is revoked; `policy.revocations` says why and until when',
  },
} as const satisfies Record<string, TokenRefusalEntry>;

/** The closed union of causes. */
export type TokenRefusalCause = keyof typeof entries;

/** Meaning and mend of each cause. */
export const tokenRefusals: Readonly<Record<TokenRefusalCause, TokenRefusalEntry>> = entries;

/** Why a token is refused. `detail` is for the operator and holds nothing of the token that is secret. */
export interface TokenRefusal {
  readonly ok: false;
  readonly cause: TokenRefusalCause;
  readonly detail: string;
  /** Subject as presented, not verified; null where it could not be read. */
  readonly shown: string | null;
}

/** A refusal; without a detail it says what the cause means. */
export function refuseToken(cause: TokenRefusalCause, detail?: string, shown: string | null = null): TokenRefusal {
  return Object.freeze({ ok: false, cause, detail: detail ?? entries[cause].means, shown });
}
