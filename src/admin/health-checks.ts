// The conditions of being ready, as one list: an unexpired SVID, a bundle, a policy, every listener bound, a journal that
// can be written, not draining (config.md "Ready means").

import type { IdentitySnapshot } from '../identity/source.ts';
import { formatAddress, type SocketAddress } from '../lib/socket-address.ts';
import type { HealthCheck } from './views.ts';

/** What the checks look at. */
export interface HealthFacts {
  readonly nowMs: number;
  readonly identity: IdentitySnapshot | null;
  /** What keeps the source from giving an identity, or a new one; null where nothing does. */
  readonly identityFault: string | null;
  /** `sha256:…` of the policy in force; null when there is none. */
  readonly policyDigest: string | null;
  readonly listeners: readonly ListenerHealth[];
  /** What is wrong with the journal; null when records can be written. */
  readonly journalFault: string | null;
  readonly draining: boolean;
}

export interface ListenerHealth {
  readonly name: string;
  readonly address: SocketAddress;
  readonly bound: boolean;
}

export function healthChecks(facts: HealthFacts): readonly HealthCheck[] {
  return [
    svidCheck(facts),
    bundleCheck(facts.identity),
    facts.policyDigest === null
      ? check('policy', false, 'no policy is loaded')
      : check('policy', true, `in force: ${facts.policyDigest}`),
    listenersCheck(facts.listeners),
    check('journal', facts.journalFault === null, facts.journalFault ?? 'records can be written'),
    check('not_draining', !facts.draining, facts.draining ? 'the sidecar is ending' : 'accepts connections'),
  ];
}

function check(name: string, ok: boolean, detail: string): HealthCheck {
  return Object.freeze({ name, ok, detail });
}

function svidCheck({ identity, identityFault, nowMs }: HealthFacts): HealthCheck {
  const fault = identityFault === null ? '' : `; ${identityFault}`;
  if (identity === null) return check('svid', false, `there is no SVID yet${fault}`);
  const { svid } = identity;
  const end = new Date(svid.notAfterMs).toISOString();
  if (nowMs >= svid.notAfterMs) return check('svid', false, `${svid.id} expired at ${end}${fault}`);
  if (nowMs < svid.notBeforeMs) return check('svid', false, `${svid.id} is not valid yet`);
  return check('svid', true, `${svid.id} until ${end}${fault}`);
}

/** Without the bundle of the own trust domain no peer of it can be verified. */
function bundleCheck(identity: IdentitySnapshot | null): HealthCheck {
  const own = identity?.bundles.get(identity.svid.id.trustDomain);
  if (own === undefined) return check('bundle', false, 'the bundle of the own trust domain is missing');
  const names = identity!.bundles.trustDomains.map(({ name }) => name);
  return check('bundle', true, `of ${names.join(', ')}`);
}

function listenersCheck(listeners: readonly ListenerHealth[]): HealthCheck {
  const open = listeners.filter(({ bound }) => !bound).map(({ name }) => name);
  if (listeners.length === 0) return check('listeners', false, 'there is no listener');
  if (open.length > 0) return check('listeners', false, `not bound: ${open.join(', ')}`);
  const texts = listeners.map(({ name, address }) => `${name} on ${formatAddress(address)}`);
  return check('listeners', true, texts.join(', '));
}
