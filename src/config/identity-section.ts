// `identity`: where the own SVID and the trust bundles come from, and what is drawn from a SPIFFE ID.

import * as z from 'zod';
import { isPosternError } from '../errors.ts';
import type { BundleServerOptions } from '../federation/federation-options.ts';
import { type AttributeRule, compileAttributeRules } from '../identity/attributes.ts';
import type { TokenIssuerOptions } from '../identity/tokens/token-issuer.ts';
import { parseAgentAddress } from '../identity/workload-api/agent-address.ts';
import {
  bundleEndpointSection,
  type CrlConfig,
  crlSection,
  type FederationEntry,
  federationEntry,
} from './federation-section.ts';
import { badValue, choice, duration, refuse, textField } from './fields.ts';
import { filePath, plainText, spiffeId } from './text-fields.ts';
import { tokenSection } from './token-section.ts';

const filesSection = z
  .strictObject({
    cert: filePath('tls.crt').describe('Own certificate, PEM: the leaf first, then its intermediates.'),
    key: filePath('tls.key').describe('Private key of the certificate, PEM.'),
    bundle: filePath('bundle.pem').describe('Trust bundle of the own trust domain: PEM, or a SPIFFE bundle (JWKS).'),
  })
  .transform(({ cert, key, bundle }) => ({ certFile: cert, keyFile: key, bundleFile: bundle }))
  .describe('Identity from files, watched and taken over whole when they change. Needed by `source: files`.');

const devCaSection = z
  .strictObject({
    dir: filePath('.postern/ca')
      .prefault('.postern/ca')
      .describe('Folder of the CA; it is made where it does not exist.'),
    spiffe_id: spiffeId().describe('SPIFFE ID of the certificate that Postern issues to itself.'),
    ttl: duration({ minMs: 60_000, maxMs: 90 * 86_400_000 })
      .prefault('1h')
      .describe('Lifetime of the own certificate; it is renewed at half of it.'),
  })
  .transform(({ dir, spiffe_id, ttl }) => ({ dir, spiffeId: spiffe_id, ttlMs: ttl }))
  .describe(
    'Embedded CA for a demo and for tests; needed by `source: dev-ca`. Refused where NODE_ENV is `production`.',
  );

/** As written; the part that connects reads it again. */
function agentAddress(text: string): string {
  parseAgentAddress(text);
  return text;
}

const workloadApiSection = z
  .strictObject({
    socket: textField(agentAddress, {
      'x-form': 'Workload API address',
      pattern: '^(unix:/|tcp://)',
      examples: ['unix:///run/spire/agent.sock', 'tcp://127.0.0.1:8081'],
    })
      .optional()
      .describe('Where the agent listens. Default: the environment variable `SPIFFE_ENDPOINT_SOCKET`.'),
    spiffe_id: spiffeId().optional().describe('Which SVID to use where the agent serves several. Default: the first.'),
    hint: plainText(1024)
      .optional()
      .describe('Which SVID to use, by the hint of its registration entry. Default: the first.'),
  })
  .transform(({ socket, spiffe_id, hint }) => ({
    socket: socket ?? null,
    spiffeId: spiffe_id ?? null,
    hint: hint ?? null,
  }))
  .describe('The SPIFFE Workload API of an agent such as SPIRE, for `source: workload-api`.');

const attributeRule = z
  .strictObject({
    match: textField((text) => text, {
      'x-form': 'SPIFFE ID with captures',
      pattern: '^spiffe://',
      examples: ['spiffe://{environment}.acme.com/ns/{namespace}/{service}'],
    }).describe('Which IDs: `{name}` captures exactly one label of the trust domain or one segment of the path.'),
    set: z
      .record(z.string(), plainText(256))
      .prefault({})
      .describe(
        'Attributes set besides the captured ones: `namespace`, `service_account`, `environment`, `attestation`, `labels.NAME`. A value may use `{name}`.',
      ),
  })
  .superRefine(checkAttributeRule);

/** Asks the part that will use the rule, so that both have one opinion. */
function checkAttributeRule(rule: AttributeRule, context: z.RefinementCtx): void {
  try {
    compileAttributeRules([rule]);
  } catch (error) {
    if (!isPosternError(error)) throw error;
    // It counts rows, of which it saw one; our finding names the line.
    const message = error.message.replace(/^identity\.attributes row 1: /, '');
    refuse(context, badValue(message, error.mend, error.code));
  }
}

/** `identity` as written and as parsed. */
export const identitySection = z
  .strictObject({
    source: choice(['workload-api', 'files', 'dev-ca']).describe('Where the own SVID comes from.'),
    workload_api: workloadApiSection.optional(),
    files: filesSection.optional(),
    dev_ca: devCaSection.optional(),
    federation: z
      .array(federationEntry)
      .max(1000)
      .prefault([])
      .describe('Further trust domains. A bundle vouches for its own trust domain and for no other.'),
    bundle_endpoint: bundleEndpointSection.optional(),
    crl: crlSection.prefault({}),
    sign_journal: duration({ minMs: 1_000, maxMs: 86_400_000 })
      .optional()
      .describe(
        'The key of the own SVID signs the journal: a seal at least so often, and the last one of each stream. Default: it signs none.',
      ),
    attributes: z
      .array(attributeRule)
      .max(1000)
      .prefault([])
      .describe('Attributes drawn from a SPIFFE ID, of peers and of this sidecar; the first match wins.'),
    tokens: z
      .array(tokenSection)
      .max(100)
      .prefault([])
      .describe('Whose tokens are taken, from callers with or without a certificate. One row for each issuer.'),
  })
  .transform((section, context): IdentityConfig => {
    const { federation, attributes, tokens, crl } = section;
    const bundleEndpoint = section.bundle_endpoint ?? null;
    const signJournalMs = section.sign_journal ?? null;
    const own = ownSource(section);
    if (own !== null) return { ...own, federation, attributes, tokens, crl, bundleEndpoint, signJournalMs };
    const key = section.source === 'files' ? 'files' : 'dev_ca';
    const message = `\`source: ${section.source}\` needs the section \`${key}\``;
    refuse(context, badValue(message, `add \`${key}:\``, 'ERR_CONFIG_KEY'), ['source']);
    return z.NEVER;
  })
  .describe('Who this sidecar is and whom it trusts.');

type OwnSource =
  | { readonly source: 'workload-api'; readonly workloadApi: z.output<typeof workloadApiSection> }
  | { readonly source: 'files'; readonly files: z.output<typeof filesSection> }
  | { readonly source: 'dev-ca'; readonly devCa: z.output<typeof devCaSection> };

function ownSource(section: {
  readonly source: 'workload-api' | 'files' | 'dev-ca';
  readonly workload_api?: z.output<typeof workloadApiSection> | undefined;
  readonly files?: z.output<typeof filesSection> | undefined;
  readonly dev_ca?: z.output<typeof devCaSection> | undefined;
}): OwnSource | null {
  if (section.source === 'workload-api') {
    return {
      source: 'workload-api',
      workloadApi: section.workload_api ?? { socket: null, spiffeId: null, hint: null },
    };
  }
  if (section.source === 'files') return section.files === undefined ? null : { source: 'files', files: section.files };
  return section.dev_ca === undefined ? null : { source: 'dev-ca', devCa: section.dev_ca };
}

/** Identity, by source. File names are absolute once loaded. */
export type IdentityConfig = OwnSource & {
  readonly federation: readonly FederationEntry[];
  /** How the own bundle is served; null: not at all. */
  readonly bundleEndpoint: BundleServerOptions | null;
  readonly crl: CrlConfig;
  /** Longest time between two signed seals of the journal, milliseconds; null: none is signed. */
  readonly signJournalMs: number | null;
  readonly attributes: readonly AttributeRule[];
  readonly tokens: readonly TokenIssuerOptions[];
};
