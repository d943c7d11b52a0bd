// Tokens between sections: a listener that takes tokens needs somebody whose tokens it takes; an issuer has one row.

import type { InboundOptions } from '../proxy/inbound-options.ts';
import { type Conflict, conflict } from './conflict.ts';
import type { IdentityConfig } from './identity-section.ts';

interface TokenSections {
  readonly identity?: IdentityConfig | undefined;
  readonly inbound?: readonly InboundOptions[] | undefined;
}

/** Every conflict about tokens. */
export function tokenConflicts({ identity, inbound }: TokenSections): Conflict[] {
  if (identity === undefined) return [];
  return [...listenersWithoutIssuers(identity, inbound ?? []), ...sameIssuers(identity), ...bundlesOfNobody(identity)];
}

function listenersWithoutIssuers({ tokens }: IdentityConfig, inbound: readonly InboundOptions[]): Conflict[] {
  if (tokens.length > 0) return [];
  return inbound.flatMap(({ identityRequired }, at) => {
    if (identityRequired === 'x509') return [];
    const message = `\`identity_required: ${identityRequired}\` takes tokens, and \`identity.tokens\` names no issuer`;
    return [conflict(message, 'add `identity.tokens`', ['inbound', at, 'identity_required'])];
  });
}

function sameIssuers({ tokens }: IdentityConfig): Conflict[] {
  return tokens.flatMap(({ profile, issuer }, at) => {
    const first = tokens.findIndex((other) => other.profile === profile && other.issuer === issuer);
    const message = `\`identity.tokens[${first}]\` is for \`${issuer}\` too, and only it would be used`;
    return first === at ? [] : [conflict(message, 'make one row of the two', ['identity', 'tokens', at])];
  });
}

/** Only an agent and bundle endpoints give JWT authorities. */
function bundlesOfNobody({ tokens, source, federation }: IdentityConfig): Conflict[] {
  if (source === 'workload-api') return [];
  const fetched = new Set(federation.flatMap((one) => (one.endpoint === null ? [] : [one.trustDomain])));
  return tokens.flatMap(({ keys, issuer }, at) => {
    if (keys.kind !== 'bundles' || fetched.has(issuer)) return [];
    const message = `neither \`source: ${source}\` nor a bundle endpoint gives keys of the JWT-SVIDs of \`${issuer}\``;
    return [conflict(message, 'name a SPIFFE bundle: `jwks: { file: bundle.json }`', ['identity', 'tokens', at])];
  });
}
