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

/** Only an agent gives JWT authorities with its bundles. */
function bundlesOfNobody({ tokens, source }: IdentityConfig): Conflict[] {
  if (source === 'workload-api') return [];
  return tokens.flatMap(({ keys }, at) => {
    if (keys.kind !== 'bundles') return [];
    const message = `\`source: ${source}\` gives no keys of JWT-SVIDs`;
    return [conflict(message, 'name a SPIFFE bundle: `jwks: { file: bundle.json }`', ['identity', 'tokens', at])];
  });
}
