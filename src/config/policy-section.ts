// `policy`: which policies judge, and what is judged beside them.

import * as z from 'zod';
import { parseDuration } from '../lib/duration.ts';
import { badValue, choice, count, textField } from './fields.ts';
import { filePath, network } from './text-fields.ts';

/** What happens to a certificate that lives longer than `maxMs`. */
export interface CredentialLifetimeLimit {
  readonly action: 'deny' | 'alarm';
  readonly maxMs: number;
}

const credentialLifetime = textField(parseCredentialLifetime, {
  'x-form': '`off`, duration or `alarm:`duration',
  pattern: '^(off|(alarm:)?\\d.*)$',
  examples: ['alarm:24h', '24h', 'off'],
});

/** @throws PosternError ERR_CONFIG_VALUE */
function parseCredentialLifetime(text: string): CredentialLifetimeLimit | null {
  if (text === 'off') return null;
  const alarm = text.startsWith('alarm:');
  const maxMs = parseDuration(alarm ? text.slice('alarm:'.length) : text);
  if (maxMs >= 60_000) return { action: alarm ? 'alarm' : 'deny', maxMs };
  throw badValue(`\`${text}\` is shorter than any certificate`, 'write at least `1m`, or `off`');
}

/** The networks that count as internal unless told otherwise: RFC 1918, loopback, ULA. */
const internalNetworks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '127.0.0.0/8', '::1/128', 'fc00::/7'];

/** `policy` as written and as parsed. */
export const policySection = z
  .strictObject({
    paths: z.array(filePath('policies/')).min(1).max(1000).describe('Policy files, or folders that hold them.'),
    shadow: z
      .array(filePath('policies-next/'))
      .max(1000)
      .prefault([])
      .describe('Candidates: evaluated beside and recorded, never enforced.'),
    allow_any_trust_domain: z
      .boolean()
      .prefault(false)
      .describe('Lets a pattern of a policy have a wildcard in its trust domain.'),
    strict: z
      .boolean()
      .prefault(false)
      .describe('Refuses policies with an error of `postern policy lint`, not only those that cannot be read.'),
    environment_boundary: choice(['deny', 'alarm', 'off'])
      .prefault('deny')
      .describe('A principal of another environment is denied, or only alarmed, whatever rules say.'),
    internal_networks: z
      .array(network())
      .max(1000)
      .prefault(internalNetworks)
      .describe('Peers from these addresses are internal (`network.is_internal`). A unix socket always is.'),
    plan_cache: z
      .strictObject({
        entries: count(1, 10_000_000).prefault(10_000).describe('Plans kept, one for each verified principal.'),
      })
      .prefault({})
      .describe('Policy folded to what can still apply to one principal, kept between requests.'),
    credential_check: choice(['bound', 'strict'])
      .prefault('bound')
      .describe(
        '`bound`: a credential block of a rule bounds how long the right lasts. `strict`: it also refuses a longer-lived certificate.',
      ),
    revocations: filePath('revocations.yaml')
      .optional()
      .describe(
        'Identities, certificates and tokens that hold no more, with reasons. Watched; in force within a second.',
      ),
    max_credential_lifetime: credentialLifetime
      .prefault('alarm:24h')
      .describe('A certificate that lives longer raises an alarm (`alarm:24h`) or is denied (`24h`).'),
  })
  .transform((section) => ({
    paths: section.paths,
    shadowPaths: section.shadow,
    allowAnyTrustDomain: section.allow_any_trust_domain,
    strict: section.strict,
    environmentBoundary: section.environment_boundary,
    internalNetworks: section.internal_networks,
    planCacheEntries: section.plan_cache.entries,
    credentialCheck: section.credential_check,
    maxCredentialLifetime: section.max_credential_lifetime,
    revocationsFile: section.revocations ?? null,
  }))
  .describe('Who may do what.');

/** Policy settings. File names are absolute once loaded. */
export type PolicyConfig = Readonly<z.output<typeof policySection>>;
