// A row of `identity.tokens`: whose tokens are taken, how they are verified, and whom they stand for.

import * as z from 'zod';
import { isPosternError } from '../errors.ts';
import {
  compileTokenIssuer,
  type KeyPlace,
  svidAlgorithms,
  type TokenIssuerOptions,
  tokenAlgorithms,
  tokenPrincipalTypes,
} from '../identity/tokens/token-issuer.ts';
import { badValue, choice, duration, refuse, textField } from './fields.ts';
import { filePath, plainText, trustDomain } from './text-fields.ts';

const httpsUrl = textField(
  (text) => {
    if (text.startsWith('https://') && URL.canParse(text) && new URL(text).username === '') return text;
    throw badValue(`\`${text}\` is not an https address`, 'write https://HOST/PATH, without a user or password in it');
  },
  { 'x-form': 'https URL', pattern: '^https://', examples: ['https://token.example.com/.well-known/jwks'] },
);

const jwksSection = z
  .strictObject({
    url: httpsUrl
      .optional()
      .describe('Address of the key set. Default: what the discovery document of the issuer names.'),
    file: filePath('jwks.json').optional().describe('File with the key set, in place of an address; watched.'),
    ca: filePath('ca.crt').optional().describe('CA certificates for that address, PEM. Default: those of the system.'),
    bearer_token_file: filePath('token')
      .optional()
      .describe('File with the token that the address asks for, read for each fetch, as Kubernetes has it.'),
    refresh: duration({ minMs: 10_000, maxMs: 86_400_000 }).prefault('10m').describe('How often keys are fetched.'),
  })
  .describe('Where the keys come from. Fetched in the background; the last good ones stay.');

const plain = plainText(1024);

const requiredValues = z
  .union([plain.transform((one) => [one]), z.array(plain).min(1).max(100)])
  .describe('A value, or a list of which it must be one.');

const row = z.strictObject({
  profile: choice(['oidc', 'jwt_svid'])
    .prefault('oidc')
    .describe(
      '`oidc`: tokens of an issuer of OpenID Connect or alike; `jwt_svid`: SPIFFE JWT-SVIDs of a trust domain.',
    ),
  issuer: plain.optional().describe('The `iss` of its tokens, exactly as they have it. Needed by `oidc`.'),
  trust_domain: trustDomain().optional().describe('Whose SVIDs. Needed by `jwt_svid`.'),
  audience: z
    .array(plain)
    .min(1)
    .max(100)
    .describe('Tokens must be meant for one of these. Choose a name for this service alone.'),
  algorithms: z
    .array(choice([...tokenAlgorithms]))
    .min(1)
    .max(tokenAlgorithms.length)
    .optional()
    .describe('How tokens may be signed. Default: all of these; for `jwt_svid` those of its standard.'),
  jwks: jwksSection.optional(),
  type: choice([...tokenPrincipalTypes])
    .prefault('workload')
    .describe('`principal.type` of callers.'),
  spiffe_id: plainText(2048)
    .optional()
    .describe(
      'SPIFFE ID of callers, of claims: `{name}` is one path segment, `{name...}` several, `{a/b}` a claim in a claim. Default: none; `sub` names them. Not for `jwt_svid`.',
    ),
  set: z
    .record(z.string(), plainText(256))
    .prefault({})
    .describe(
      'Attributes: `namespace`, `service_account`, `environment`, `attestation`, `labels.NAME`. A value may use `{claim}`.',
    ),
  require: z
    .record(z.string(), requiredValues)
    .prefault({})
    .describe('Claims that a token must have, with their values. Anybody may get a token of a public issuer.'),
});

type Row = z.output<typeof row>;

/** A row as written and as parsed. */
export const tokenSection = row.transform((written, context): TokenIssuerOptions => {
  try {
    const options = optionsOf(written);
    compileTokenIssuer(options);
    return options;
  } catch (error) {
    if (!isPosternError(error)) throw error;
    refuse(context, badValue(error.message, error.mend, error.code));
    return z.NEVER;
  }
});

function optionsOf(written: Row): TokenIssuerOptions {
  const { profile, audience, type, set } = written;
  const isSvid = profile === 'jwt_svid';
  const issuer = isSvid ? written.trust_domain : written.issuer;
  const [needed, other] = isSvid ? (['trust_domain', 'issuer'] as const) : (['issuer', 'trust_domain'] as const);
  if (issuer === undefined) throw fault(`\`profile: ${profile}\` needs \`${needed}\``, `add \`${needed}:\``);
  if (written[other] !== undefined) throw fault(`\`${other}\` is not for \`profile: ${profile}\``, 'remove it');
  if (isSvid && written.spiffe_id !== undefined) {
    throw fault('a JWT-SVID names its SPIFFE ID itself', 'remove `spiffe_id`');
  }
  const algorithms = written.algorithms ?? (isSvid ? svidAlgorithms : tokenAlgorithms);
  const foreign = algorithms.find((one) => isSvid && !svidAlgorithms.some((known) => known === one));
  if (foreign !== undefined) throw fault(`\`${foreign}\` is not an algorithm of JWT-SVIDs (§2.1)`, 'remove it');
  const spiffeId = written.spiffe_id ?? null;
  const keys = keyPlace(written, issuer);
  return { profile, issuer, audience, algorithms, type, spiffeId, set, require: written.require, keys };
}

function keyPlace({ profile, jwks }: Row, issuer: string): KeyPlace {
  if (jwks?.file !== undefined) {
    if (jwks.url === undefined) return { kind: 'file', file: jwks.file };
    throw fault('`jwks` has both `url` and `file`', 'remove one');
  }
  if (profile === 'jwt_svid') {
    if (jwks === undefined) return { kind: 'bundles' };
    throw fault('keys of JWT-SVIDs come from bundles', 'name a SPIFFE bundle by `jwks.file`, or leave `jwks` out');
  }
  const url = jwks?.url ?? null;
  if (url === null && !issuer.startsWith('https://')) {
    throw fault(`\`${issuer}\` is no https address to discover keys from`, 'add `jwks: { url: … }` or `{ file: … }`');
  }
  const { ca: caFile = null, bearer_token_file: bearerFile = null } = jwks ?? {};
  return { kind: 'url', url, caFile, bearerFile, refreshMs: jwks?.refresh ?? defaultRefreshMs };
}

const defaultRefreshMs = 600_000;

function fault(message: string, mend: string) {
  return badValue(message, mend, 'ERR_IDENTITY_TOKENS');
}
