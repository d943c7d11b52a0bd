// From whom a request is: whoever holds the connection, or a token that came with the request, alone or beside the
// certificate. Where both came, the certificate names the principal and the token stands beside it.

import { createHash } from 'node:crypto';
import type { ConnectionFacts, CredentialFacts } from '../audit/decision-event.ts';
import type { Principal, PrincipalToken } from '../authz/model.ts';
import type { TokenIdentity } from '../identity/tokens/token-identity.ts';
import { escapeFieldValue } from '../wire/escape-field-value.ts';
import type { ConnectionSide } from './inbound-request.ts';

/** Constant for all requests of one connection with the same token. */
export interface Caller {
  readonly side: ConnectionSide;
  readonly facts: ConnectionFacts;
  /** Whole lines towards the workload. */
  readonly identityFields: string;
  /** Why the token holds no more; null while it does, or where there is none. */
  readonly tokenEnded: () => string | null;
  /** The same caller over what the connection's holder has become, as it is described now. */
  readonly renewed: (own: Caller) => Caller;
}

const nothing: ReadonlyMap<string, string> = new Map();

/** Whoever has shown nothing yet. */
export const anonymous: Principal = Object.freeze({
  id: 'anonymous',
  type: 'anonymous',
  spiffeId: undefined,
  trustDomain: undefined,
  path: undefined,
  namespace: undefined,
  serviceAccount: undefined,
  environment: undefined,
  attestation: undefined,
  issuer: undefined,
  authn: 'none',
  labels: nothing,
  claims: nothing,
});

/** The credential of a connection without a certificate. */
export const noCredential: CredentialFacts = Object.freeze({
  type: 'none',
  serial: null,
  notBeforeMs: null,
  notAfterMs: null,
  fingerprintSha256: null,
});

/** A request over `own` with a token that holds. */
export function callerWithToken(
  own: Caller,
  token: Pick<Caller, 'renewed'> & {
    readonly identity: TokenIdentity;
    readonly replayed: boolean;
    readonly ended: () => string | null;
  },
  sendsPeer: boolean,
): Caller {
  const { identity, replayed } = token;
  const { principal } = own.side;
  const facts = tokenFacts(identity, replayed);
  const isAlone = principal.authn === 'none';
  const both = { ...principal, claims: identity.claims, token: facts };
  const named = isAlone ? principalOfToken(identity, facts) : Object.freeze(both);
  return Object.freeze({
    side: Object.freeze({ ...own.side, principal: named }),
    facts: factsWithToken(own.facts, identity, isAlone),
    identityFields: isAlone && sendsPeer ? `x-postern-peer: ${escapeFieldValue(named.id)}\r\n` : own.identityFields,
    tokenEnded: token.ended,
    renewed: token.renewed,
  });
}

function tokenFacts({ issuer, subject, spiffeId, type, actors }: TokenIdentity, replayed: boolean): PrincipalToken {
  return Object.freeze({ issuer, subject, spiffeId: spiffeId?.toString(), type, actors, replayed });
}

function principalOfToken(identity: TokenIdentity, token: PrincipalToken): Principal {
  const { spiffeId, attributes } = identity;
  const id = spiffeId?.toString();
  return Object.freeze({
    id: id ?? identity.subject,
    type: identity.type,
    spiffeId: id,
    trustDomain: spiffeId?.trustDomain.name,
    path: spiffeId?.path,
    namespace: attributes.namespace,
    serviceAccount: attributes.serviceAccount,
    environment: attributes.environment,
    attestation: attributes.attestation,
    issuer: identity.issuer,
    authn: 'jwt',
    labels: attributes.labels,
    claims: identity.claims,
    token,
  });
}

function factsWithToken(own: ConnectionFacts, identity: TokenIdentity, isAlone: boolean): ConnectionFacts {
  const { jti, audience, expiresMs, notBeforeMs } = identity;
  const type = identity.isSvid ? 'jwt-svid' : 'jwt';
  const credential = Object.freeze({ ...noCredential, type, notBeforeMs, notAfterMs: expiresMs } as const);
  const jtiSha256 = jti === null ? null : createHash('sha256').update(jti).digest('hex');
  const token = Object.freeze({ jtiSha256, audience, notAfterMs: expiresMs });
  return Object.freeze({ ...own, token, ...(isAlone ? { credential } : {}) });
}
