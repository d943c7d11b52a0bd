// Whose tokens are taken, and what becomes of them: one row of `identity.tokens`, checked and compiled.

import { assertAttributeName } from '../attributes.ts';
import { type ClaimTemplate, compileClaimTemplate, compileIdTemplate, type IdTemplate } from './claim-template.ts';

/** Algorithms of JWT-SVID §2.1: signatures with RSA and with the curves of NIST; never `none`, never HMAC. */
export const svidAlgorithms = Object.freeze([
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
] as const);

/** Algorithms that any issuer may use. */
export const tokenAlgorithms = Object.freeze([...svidAlgorithms, 'EdDSA', 'Ed25519'] as const);

/** One of the algorithms that a token may be signed with. */
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

/** What kind of caller a token stands for. */
export const tokenPrincipalTypes = Object.freeze([
  'workload',
  'ci_job',
  'ai_agent',
  'service_account',
  'api_client',
  'user',
] as const);

/** Where an issuer's keys are. Times in milliseconds, file names absolute. */
export type KeyPlace =
  /** From the bundles of the identity source. */
  | { readonly kind: 'bundles' }
  | { readonly kind: 'file'; readonly file: string }
  | {
      readonly kind: 'url';
      /** Null: named by the issuer's discovery document. */
      readonly url: string | null;
      readonly caFile: string | null;
      readonly bearerFile: string | null;
      readonly refreshMs: number;
    };

/** One row as configured. */
export interface TokenIssuerOptions {
  /** `jwt_svid`: SVIDs of a trust domain; `oidc`: tokens of an issuer of OpenID Connect or alike. */
  readonly profile: 'oidc' | 'jwt_svid';
  /** The `iss` of its tokens; of SVIDs the trust domain. */
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly TokenAlgorithm[];
  readonly type: (typeof tokenPrincipalTypes)[number];
  /** Template; null: the subject names the caller (of an SVID it always does). */
  readonly spiffeId: string | null;
  /** Attributes by name, with templates as values. */
  readonly set: Readonly<Record<string, string>>;
  /** Values that a claim must have one of. */
  readonly require: Readonly<Record<string, readonly string[]>>;
  readonly keys: KeyPlace;
}

/** Compiled. */
export interface TokenIssuer {
  readonly options: TokenIssuerOptions;
  readonly audience: ReadonlySet<string>;
  readonly algorithms: ReadonlySet<string>;
  readonly idTemplate: IdTemplate | null;
  readonly attributes: ReadonlyMap<string, ClaimTemplate>;
}

/** @throws PosternError ERR_IDENTITY_TOKENS for a template that cannot be compiled */
export function compileTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  for (const name of Object.keys(options.set)) assertAttributeName(name, '`set`');
  const templates = Object.entries(options.set).map(([name, text]) => [name, compileClaimTemplate(text)] as const);
  return Object.freeze({
    options,
    audience: new Set(options.audience),
    algorithms: new Set<string>(options.algorithms),
    idTemplate: options.spiffeId === null ? null : compileIdTemplate(options.spiffeId),
    attributes: new Map(templates),
  });
}

/** The row whose tokens those of this subject and `iss` would be; a trust domain comes before an issuer. */
export function issuerRow(
  subject: unknown,
  iss: unknown,
  rows: readonly TokenIssuerOptions[],
): TokenIssuerOptions | null {
  const domain = typeof subject === 'string' ? /^spiffe:\/\/([^/]*)/.exec(subject)?.[1] : undefined;
  const isOf = (profile: string, name: unknown) => (row: TokenIssuerOptions) =>
    row.profile === profile && row.issuer === name;
  return rows.find(isOf('jwt_svid', domain)) ?? rows.find(isOf('oidc', iss)) ?? null;
}

/** What keys of its issuer say that they are for. */
export function keyUse({ profile }: TokenIssuerOptions): 'sig' | 'jwt-svid' {
  return profile === 'jwt_svid' ? 'jwt-svid' : 'sig';
}

/** The trust domain of the IDs that its tokens stand for; null where they have none. */
export function trustDomainOfTokens({ profile, issuer, spiffeId }: TokenIssuerOptions): string | null {
  if (profile === 'jwt_svid') return issuer;
  return spiffeId === null ? null : (/^spiffe:\/\/([^/]*)/.exec(spiffeId)?.[1] ?? null);
}
