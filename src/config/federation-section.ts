// `identity.federation`, `identity.bundle_endpoint` and `identity.crl`: further trust domains, how the own bundle is
// served, and revocation lists.

import * as z from 'zod';
import type { BundleEndpoint, BundleServerOptions, EndpointProfile } from '../federation/federation-options.ts';
import type { ExpiredCrlRule } from '../identity/crl-set.ts';
import type { FederatedBundleFile } from '../identity/identity-files.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { badValue, choice, duration, refuse, textField } from './fields.ts';
import { filePath, listenAddress, spiffeId, trustDomain } from './text-fields.ts';

/** A further trust domain: a file, an endpoint, or both. File names are absolute once loaded. */
export interface FederationEntry {
  readonly trustDomain: string;
  readonly bundleFile: string | null;
  readonly endpoint: BundleEndpoint | null;
}

/** Revocation lists from files. */
export interface CrlConfig {
  readonly files: readonly string[];
  readonly expired: ExpiredCrlRule;
}

const longestUrl = 2048;

/** SPIFFE Federation §5.2.1.1, §5.2.2.1: `https`, without userinfo. */
function parseEndpointUrl(text: string): string {
  const url = URL.parse(text);
  const isPlain = text.length <= longestUrl && /^https:\/\/[^/?#@\\\s]+(?:[/?][^#\\\s]*)?$/.test(text);
  if (url !== null && isPlain && url.protocol === 'https:') return url.href;
  throw badValue(
    `\`${text}\` is not the URL of a bundle endpoint`,
    'write `https://HOST/PATH` without user and fragment',
  );
}

const bundleSource = z
  .strictObject({
    file: filePath('partner.pem')
      .optional()
      .describe('Its bundle: PEM, or a SPIFFE bundle (JWKS). Beside `url`: what holds until the first fetch.'),
    url: textField(parseEndpointUrl, {
      'x-form': 'https URL',
      pattern: '^https://',
      examples: ['https://bundle.partner.example/'],
    })
      .optional()
      .describe('Its SPIFFE bundle endpoint. It is asked in the background; nothing waits for it.'),
    profile: choice(['https_web', 'https_spiffe'])
      .optional()
      .describe('With `url`: the endpoint is known by a web certificate, or by its SPIFFE ID.'),
    endpoint_spiffe_id: spiffeId().optional().describe('With `profile: https_spiffe`: the SPIFFE ID of the endpoint.'),
    ca: filePath('web-ca.pem')
      .optional()
      .describe('With `profile: https_web`: PEM file of CAs in place of the public ones.'),
    refresh: duration({ minMs: 1_000, maxMs: 86_400_000 })
      .optional()
      .describe('Time between two fetches. Default: what the bundle hints, from 10s to 1h, else 5m.'),
  })
  .describe('Where the bundle comes from: `file`, `url`, or both.');

type WrittenSource = z.output<typeof bundleSource>;

/** One row of `identity.federation`. */
export const federationEntry = z
  .strictObject({ trust_domain: trustDomain().describe('The further trust domain.'), bundle: bundleSource })
  .superRefine(({ bundle }, context) => {
    for (const [key, message, mend] of sourceFaults(bundle)) {
      refuse(context, badValue(message, mend, 'ERR_CONFIG_KEY'), ['bundle', ...(key === '' ? [] : [key])]);
    }
  })
  .transform(({ trust_domain, bundle }): FederationEntry => {
    const bundleFile = bundle.file ?? null;
    const profile = profileOf(bundle);
    const endpoint =
      bundle.url === undefined || profile === null
        ? null
        : {
            trustDomain: trust_domain,
            url: bundle.url,
            profile,
            refreshMs: bundle.refresh ?? null,
            hasFile: bundleFile !== null,
          };
    return { trustDomain: trust_domain, bundleFile, endpoint };
  });

function profileOf({ profile, endpoint_spiffe_id, ca }: WrittenSource): EndpointProfile | null {
  if (profile === 'https_web') return { kind: 'https_web', caFile: ca ?? null };
  if (endpoint_spiffe_id === undefined) return null;
  return { kind: 'https_spiffe', spiffeId: endpoint_spiffe_id };
}

type SourceFault = readonly [key: string, message: string, mend: string];

/** Keys that are missing, and keys without effect, which somebody believes to have one. */
function sourceFaults(bundle: WrittenSource): readonly SourceFault[] {
  const { url, profile, endpoint_spiffe_id: id, ca, refresh, file } = bundle;
  if (url === undefined) {
    if (file === undefined)
      return [['', 'a bundle needs `file` or `url`', 'add `file: partner.pem`, or `url` and `profile`']];
    const idle = Object.entries({ profile, endpoint_spiffe_id: id, ca, refresh }).find(([, one]) => one !== undefined);
    return idle === undefined ? [] : [[idle[0], `\`${idle[0]}\` needs a \`url\``, 'add `url`, or remove the key']];
  }
  if (profile === undefined)
    return [['url', '`url` needs a `profile`', 'add `profile: https_web` or `profile: https_spiffe`']];
  if (profile === 'https_spiffe' && id === undefined) {
    return [['profile', '`https_spiffe` needs `endpoint_spiffe_id`', 'add the SPIFFE ID of the endpoint']];
  }
  if (profile === 'https_spiffe' && ca !== undefined) {
    return [['ca', '`ca` is for `https_web`', 'remove the key; the endpoint is known by its SPIFFE ID']];
  }
  if (profile === 'https_web' && id !== undefined) {
    return [
      ['endpoint_spiffe_id', '`endpoint_spiffe_id` is for `https_spiffe`', 'remove the key, or change the profile'],
    ];
  }
  return [];
}

/** `identity.bundle_endpoint` as written and as parsed. */
export const bundleEndpointSection = z
  .strictObject({
    listen: listenAddress().describe('Where the own bundle is served.'),
    profile: choice(['https_spiffe', 'https_web'])
      .prefault('https_spiffe')
      .describe('`https_spiffe` serves with the own SVID; `https_web` with `cert` and `key`.'),
    cert: filePath('web.crt').optional().describe('With `https_web`: certificate chain for the host name, PEM.'),
    key: filePath('web.key').optional().describe('With `https_web`: its private key, PEM.'),
    refresh_hint: duration({ minMs: 1_000, maxMs: 86_400_000 })
      .prefault('5m')
      .describe('How often others should ask (`spiffe_refresh_hint`).'),
  })
  .transform((section, context): BundleServerOptions => {
    const { listen, profile, cert, key, refresh_hint: refreshHintMs } = section;
    if (listen.kind === 'unix') {
      refuse(context, badValue('a bundle endpoint is for others', 'write an IP address and a port'), ['listen']);
    }
    if (profile === 'https_web' && cert !== undefined && key !== undefined) {
      return { listen, profile: { kind: 'https_web', certFile: cert, keyFile: key }, refreshHintMs };
    }
    if (profile === 'https_web' || cert !== undefined || key !== undefined) {
      const what = '`cert` and `key` belong to `profile: https_web`, and it needs both';
      refuse(context, badValue(what, 'add what is missing, or remove them', 'ERR_CONFIG_KEY'), ['profile']);
    }
    return { listen, profile: { kind: 'https_spiffe' }, refreshHintMs };
  })
  .describe('Serves the bundle of the own trust domain to others (SPIFFE bundle endpoint).');

/** `identity.crl` as written and as parsed. */
export const crlSection = z
  .strictObject({
    files: z
      .array(filePath('ca.crl'))
      .max(100)
      .prefault([])
      .describe('Certificate revocation lists, PEM or DER, of any CA whose certificates peers show. Watched.'),
    expired: choice(['refuse', 'use'])
      .prefault('refuse')
      .describe('A list over its time: refuse the certificates of its CA, or go on as the old list says.'),
  })
  .describe('Revocation by the CAs: lists from files, and those of the Workload API.');

/** The entries that have a file. */
export function bundleFilesOf(federation: readonly FederationEntry[]): readonly FederatedBundleFile[] {
  return federation.flatMap(({ trustDomain: name, bundleFile }) =>
    bundleFile === null ? [] : [{ trustDomain: name, bundleFile }],
  );
}

/** The endpoints to be asked. */
export function endpointsOf(federation: readonly FederationEntry[]): readonly BundleEndpoint[] {
  return federation.flatMap(({ endpoint }) => (endpoint === null ? [] : [endpoint]));
}

/** An endpoint that serves the bundle it is known by needs a first one (SPIFFE Federation §5.2.2.2). */
export function lacksFirstBundle({ endpoint, bundleFile, trustDomain: name }: FederationEntry): boolean {
  if (endpoint?.profile.kind !== 'https_spiffe' || bundleFile !== null) return false;
  return SpiffeId.parse(endpoint.profile.spiffeId).trustDomain.name === name;
}
