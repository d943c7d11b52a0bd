// What Postern makes of a token, and every reason why it would refuse it: for an operator who writes a row of
// `identity.tokens`, before a caller finds out. Nothing that is shown could be used in its place.

import { defaultAttributes, type IdentityAttributes } from '../attributes.ts';
import { isoTime } from '../iso-time.ts';
import { escapeText } from '../shown-text.ts';
import { actorsOf } from './actor-chain.ts';
import { type Claims, type CompactToken, claimOf, readCompactToken } from './compact-token.ts';
import { identityOfToken, type TokenIdentity } from './token-identity.ts';
import { compileTokenIssuer, svidAlgorithms, type TokenIssuer, tokenAlgorithms } from './token-issuer.ts';
import { refuseToken, type TokenRefusal, type TokenRefusalCause, tokenRefusals } from './token-refusals.ts';
import { shownSubject, timeOf, tokenFaults } from './token-rules.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** Why it would be refused. */
export interface TokenFinding {
  readonly cause: TokenRefusalCause;
  readonly message: string;
  readonly mend: string;
}

/** A token in words. All texts are escaped; null where it does not say. */
export interface TokenInspection {
  readonly kind: 'token';
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly actors: readonly string[];
  readonly audience: readonly string[];
  readonly algorithm: string | null;
  readonly key_id: string | null;
  readonly issued: string | null;
  readonly expires: string | null;
  /** Claims with plain values, for templates. */
  readonly claims: Readonly<Record<string, string>>;
  /** Whom it stands for. */
  readonly type: string | null;
  readonly spiffe_id: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  readonly findings: readonly TokenFinding[];
  /** Whether its issuer and signature were judged. */
  readonly verified: boolean;
  readonly accepted: boolean;
}

/** Most claims that are shown. */
const mostClaims = 64;

/** Judges a token; `verifier` null: nothing is known of issuers, so only what any of them must keep to. */
export async function inspectToken(
  text: string,
  { verifier, nowMs }: { readonly verifier: TokenVerifier | null; readonly nowMs: number },
): Promise<TokenInspection> {
  const token = readCompactToken(text);
  if (!token.ok) return inspectionOf({ token: null, identity: null, refusals: [token], verified: verifier !== null });
  const keyed = verifier?.issuerOf(token) ?? null;
  const issuer = keyed?.issuer ?? anyIssuer(token);
  const refusals: TokenRefusal[] = [...tokenFaults(token, issuer, nowMs)];
  if (verifier !== null && keyed === null) refusals.unshift(refuseToken('issuer_unknown'));
  if (verifier !== null && keyed !== null && !refusals.some(({ cause }) => cause === 'algorithm_refused')) {
    const key = await verifier.keyFor(token, keyed);
    if ('cause' in key) refusals.push(key);
    else if (!(await verifier.isSigned(text, token, key))) refusals.push(refuseToken('signature_invalid'));
  }
  const identity = refusals.some(({ cause }) => cause === 'claim_malformed' || cause === 'subject_invalid')
    ? null
    : (verifier?.identify(token, issuer) ?? identityOfToken(token.claims, issuer, defaultAttributes));
  const isNamed = identity !== null && !('cause' in identity);
  if (identity !== null && !isNamed) refusals.push(identity);
  return inspectionOf({ token, identity: isNamed ? identity : null, refusals, verified: verifier !== null });
}

/** Stands in for an issuer that is not known: whatever the token says of issuer and audience is taken. */
function anyIssuer({ claims }: CompactToken): TokenIssuer {
  const subject = claimOf(claims, 'sub');
  const domain = typeof subject === 'string' ? /^spiffe:\/\/([^/]+)\//.exec(subject)?.[1] : undefined;
  return compileTokenIssuer({
    profile: domain === undefined ? 'oidc' : 'jwt_svid',
    issuer: domain ?? String(claimOf(claims, 'iss') ?? ''),
    audience: audienceOf(claims),
    algorithms: domain === undefined ? tokenAlgorithms : svidAlgorithms,
    type: 'workload',
    spiffeId: null,
    set: {},
    require: {},
    keys: { kind: 'bundles' },
  });
}

function inspectionOf(found: {
  readonly token: CompactToken | null;
  readonly identity: TokenIdentity | null;
  readonly refusals: readonly TokenRefusal[];
  readonly verified: boolean;
}): TokenInspection {
  const { token, identity, refusals, verified } = found;
  const claims = token?.claims ?? {};
  const issuer = claimOf(claims, 'iss');
  return Object.freeze({
    kind: 'token',
    issuer: typeof issuer === 'string' ? shortened(issuer) : null,
    subject: shownSubject(claims),
    actors: (actorsOf(claims) ?? []).map(escapeText),
    audience: audienceOf(claims).slice(0, mostClaims).map(shortened),
    algorithm: token === null ? null : shortened(token.algorithm),
    key_id: token === null || token.keyId === null ? null : shortened(token.keyId),
    issued: shownTime(claims, 'iat'),
    expires: shownTime(claims, 'exp'),
    claims: plainClaims(claims),
    type: identity?.type ?? null,
    spiffe_id: identity?.spiffeId?.toString() ?? null,
    attributes: identity === null ? {} : shownAttributes(identity.attributes),
    findings: refusals.map(({ cause, detail }) => ({ cause, message: detail, mend: tokenRefusals[cause].mend })),
    verified,
    accepted: refusals.length === 0,
  });
}

function audienceOf(claims: Claims): readonly string[] {
  const value = claimOf(claims, 'aud');
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string');
}

function shownTime(claims: Claims, name: 'iat' | 'exp'): string | null {
  const ms = timeOf(claims, name);
  return typeof ms === 'number' ? isoTime(ms) : null;
}

function plainClaims(claims: Claims): Readonly<Record<string, string>> {
  const plain = Object.entries(claims).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return Object.fromEntries(
    plain.slice(0, mostClaims).map(([name, value]) => [shortened(name), shortened(`${value}`)]),
  );
}

function shownAttributes(attributes: IdentityAttributes): Readonly<Record<string, string>> {
  const { namespace, serviceAccount, environment, attestation, labels } = attributes;
  const labelled = [...labels].map(([name, value]) => [`labels.${name}`, value] as const);
  const named = Object.entries({ namespace, service_account: serviceAccount, environment, attestation });
  const given = [...named, ...labelled].filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, shortened(value!)]));
}

function shortened(text: string): string {
  return escapeText(text.length > 128 ? `${text.slice(0, 128)}...` : text);
}
