// Settings that work, but not as somebody might believe.

import type { PosternConfig } from '../config/postern-config.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import type { Glob } from '../lib/glob.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';

/** What a configuration alone does not tell. */
export interface KnownSelf {
  readonly ownEnvironment: string | undefined;
  readonly snapshot: IdentitySnapshot;
}

export interface SettingWarning {
  readonly message: string;
  readonly mend: string;
  /** Where it stands in the configuration. */
  readonly path: readonly (string | number)[];
}

/** Two settings of which one leaves nothing of the other. */
export function settingWarnings(config: PosternConfig, known: KnownSelf): readonly SettingWarning[] {
  return [...plainCallersBehindBoundary(config, known), ...peersWithoutBundle(config, known)];
}

export function warnOfSettings(config: PosternConfig, known: KnownSelf, log: OperationalLog): void {
  if (config.policy.environmentBoundary !== 'off' && known.ownEnvironment === undefined) {
    log.warn('the environment boundary has no effect', {
      mend: 'draw `environment` from the own SPIFFE ID by `identity.attributes`, or set `environment_boundary: off`',
    });
  }
  for (const { name, plaintext } of config.inbound) {
    if (plaintext === 'permit') log.warn('a listener lets connections without TLS in', { listener: name });
  }
  for (const listener of [...config.inbound, ...config.outbound]) {
    if (listener.mode === 'shadow') log.warn('a listener lets denied requests pass', { listener: listener.name });
  }
  for (const { message, mend } of settingWarnings(config, known)) log.warn(message, { mend });
}

/** Who comes without TLS has no environment, so the boundary denies whatever a rule allows. */
function plainCallersBehindBoundary({ policy, inbound }: PosternConfig, known: KnownSelf): SettingWarning[] {
  if (policy.environmentBoundary !== 'deny' || known.ownEnvironment === undefined) return [];
  return inbound.flatMap(({ name, plaintext }, at) => {
    if (plaintext !== 'permit') return [];
    const message = `\`environment_boundary: deny\` denies every plain caller of \`${name}\`, whatever rules say`;
    const mend = 'write `policy.environment_boundary: alarm` for as long as `plaintext: permit` stands';
    return [{ message, mend, path: ['inbound', at, 'plaintext'] }];
  });
}

/** A server that shows such an ID cannot be verified, so that half of `accept` accepts nobody. */
function peersWithoutBundle({ identity, outbound }: PosternConfig, { snapshot }: KnownSelf): SettingWarning[] {
  // One whose bundle is still to be fetched is known all the same.
  const federated = identity.federation.map(({ trustDomain }) => trustDomain);
  const trustDomains = new Set([...snapshot.bundles.trustDomains.map(({ name }) => name), ...federated]);
  return outbound.flatMap(({ name, accept }, listener) =>
    accept.flatMap((glob, at) => {
      const domain = trustDomainOf(glob);
      if (trustDomains.has(domain)) return [];
      const message = `\`${name}\` accepts servers of \`${domain}\`, but there is no bundle of that trust domain`;
      const mend = 'correct the name, or add the trust domain with its bundle to `identity.federation`';
      return [{ message, mend, path: ['outbound', listener, 'accept', at] }];
    }),
  );
}

/** The trust domain of a pattern has no wildcard. */
function trustDomainOf({ pattern }: Glob): string {
  return pattern.slice('spiffe://'.length).split('/')[0] ?? '';
}
