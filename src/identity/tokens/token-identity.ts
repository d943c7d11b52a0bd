// Who a verified token stands for: its SPIFFE ID, its attributes, and those who act for it.

import type { IdentityAttributes, ReadAttributes } from '../attributes.ts';
import { SpiffeId } from '../spiffe-id.ts';
import { actorsOf } from './actor-chain.ts';
import { type Claims, claimOf } from './compact-token.ts';
import type { TokenIssuer } from './token-issuer.ts';
import { refuseToken, type TokenRefusal } from './token-refusals.ts';
import { shownSubject, timeOf } from './token-rules.ts';

/** What a token says, once it is believed. Frozen. */
export interface TokenIdentity {
  /** `iss`; of a JWT-SVID the trust domain. */
  readonly issuer: string;
  readonly subject: string;
  readonly type: string;
  readonly spiffeId: SpiffeId | null;
  readonly attributes: IdentityAttributes;
  /** Who acts for the subject, who acts now first. */
  readonly actors: readonly string[];
  readonly claims: ReadonlyMap<string, unknown>;
  readonly audience: readonly string[];
  readonly jti: string | null;
  /** `nbf`, else `iat`; milliseconds. */
  readonly notBeforeMs: number | null;
  readonly expiresMs: number;
  readonly isSvid: boolean;
}

const noAttributes: IdentityAttributes = Object.freeze({
  namespace: undefined,
  serviceAccount: undefined,
  environment: undefined,
  attestation: undefined,
  labels: new Map(),
});

/** The identity of claims that obey `tokenFaults`, or why they name nobody. */
export function identityOfToken(
  claims: Claims,
  issuer: TokenIssuer,
  readAttributes: ReadAttributes,
): TokenIdentity | TokenRefusal {
  const { options } = issuer;
  const subject = claimOf(claims, 'sub') as string;
  const isSvid = options.profile === 'jwt_svid';
  const spiffeId = isSvid ? svidId(subject, options.issuer) : templateId(claims, issuer);
  if (spiffeId !== null && 'cause' in spiffeId) return spiffeId;
  const audience = claimOf(claims, 'aud') as string | readonly string[];
  return Object.freeze({
    issuer: options.issuer,
    subject,
    type: options.type,
    spiffeId,
    attributes: withSet(spiffeId === null ? noAttributes : readAttributes(spiffeId), issuer, claims),
    actors: actorsOf(claims) ?? [],
    claims: new Map(Object.entries(claims)),
    audience: Object.freeze(typeof audience === 'string' ? [audience] : [...audience]),
    jti: (claimOf(claims, 'jti') as string | undefined) ?? null,
    notBeforeMs: timeOf(claims, 'nbf') ?? timeOf(claims, 'iat') ?? null,
    expiresMs: timeOf(claims, 'exp')!,
    isSvid,
  });
}

/** JWT-SVID §3.1; the ID names a workload, of the trust domain whose keys verified it. */
function svidId(subject: string, trustDomain: string): SpiffeId | TokenRefusal {
  try {
    const id = SpiffeId.parse(subject);
    if (id.path !== '' && id.trustDomain.name === trustDomain) return id;
  } catch {
    // Said below.
  }
  return refuseToken('subject_invalid', 'its `sub` is not the SPIFFE ID of a workload of its trust domain', subject);
}

function templateId(claims: Claims, issuer: TokenIssuer): SpiffeId | TokenRefusal | null {
  const { idTemplate } = issuer;
  if (idTemplate === null) return subjectAlone(claims);
  const id = idTemplate.fill(claims);
  if (!('unfit' in id)) return id;
  const detail = `its claim \`${id.unfit}\` is missing or does not fit a SPIFFE ID`;
  return refuseToken('claim_unfit', detail, shownSubject(claims));
}

/** A subject that is written like an identity of another kind would be taken for one by policy. */
function subjectAlone(claims: Claims): TokenRefusal | null {
  const subject = claimOf(claims, 'sub') as string;
  if (subject !== 'anonymous' && !/^\s*spiffe:/i.test(subject)) return null;
  const detail = 'its `sub` looks like another identity; make the ID with `spiffe_id`';
  return refuseToken('subject_invalid', detail, shownSubject(claims));
}

/** What the row sets wins over what is drawn from the ID; a claim that is missing or not plain sets nothing. */
function withSet(drawn: IdentityAttributes, issuer: TokenIssuer, claims: Claims): IdentityAttributes {
  if (issuer.attributes.size === 0) return drawn;
  const values = new Map<string, string | undefined>();
  for (const [name, template] of issuer.attributes) values.set(name, template.fill(claims) ?? undefined);
  const pick = (name: string, otherwise: string | undefined) => (values.has(name) ? values.get(name) : otherwise);
  const labels = new Map(drawn.labels);
  for (const [name, value] of values) {
    if (!name.startsWith('labels.')) continue;
    if (value === undefined) labels.delete(name.slice('labels.'.length));
    else labels.set(name.slice('labels.'.length), value);
  }
  return Object.freeze({
    namespace: pick('namespace', drawn.namespace),
    serviceAccount: pick('service_account', drawn.serviceAccount),
    environment: pick('environment', drawn.environment),
    attestation: pick('attestation', drawn.attestation),
    labels,
  });
}
