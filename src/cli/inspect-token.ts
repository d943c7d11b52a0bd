// `postern identity inspect` of a token: by the issuers of a configuration where one is named.

import { loadConfig } from '../config/load-config.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import type { PosternError } from '../errors.ts';
import { compileAttributeRules } from '../identity/attributes.ts';
import { noJwtBundles } from '../identity/jwt-bundle.ts';
import { withRegistry } from '../identity/registry.ts';
import { readRegistry } from '../identity/registry-file.ts';
import { readRevocations } from '../identity/revocations-source.ts';
import { claimOf, readCompactToken } from '../identity/tokens/compact-token.ts';
import { inspectToken, type TokenInspection } from '../identity/tokens/inspect-token.ts';
import { issuerRow } from '../identity/tokens/token-issuer.ts';
import { systemClock } from '../lib/clock.ts';
import type { Latest } from '../lib/latest.ts';
import type { Paint } from '../lib/paint.ts';
import { openTokens } from '../runtime/token-runtime.ts';
import type { CliIo } from './cli-io.ts';
import { readJwtBundles } from './own-identity.ts';

/** Longest that somebody waits for keys, milliseconds. */
const keysPatienceMs = 6_000;

/** What Postern makes of it; `configFile` null: by no configuration. */
export async function inspectTokenText(token: string, configFile: string | null, io: CliIo): Promise<TokenInspection> {
  const nowMs = systemClock.nowMs();
  if (configFile === null) return inspectToken(token, { verifier: null, nowMs });
  const { config } = await loadConfig(configFile, io.env, io.cwd);
  const registry = await readRegistry(config.inventory.registryFile);
  const tokens = await openTokens(rowsFor(token, config), {
    identity: { jwtBundles: await bundlesFor(token, config, io) },
    revocations: fixed(await readRevocations(config.policy.revocationsFile)),
    attributes: fixed(withRegistry(compileAttributeRules(config.identity.attributes), registry)),
    clock: systemClock,
    keysPatienceMs,
    onKeysFailed: (_, error: PosternError) => io.err(`postern: warning: ${error.message} [${error.code}]\n`),
    onFault: () => {},
  });
  try {
    return await inspectToken(token, { verifier: tokens.verifier, nowMs });
  } finally {
    tokens.close();
  }
}

/** Of all rows only that of the token: the keys of others are none of its business. */
function rowsFor(text: string, { identity: { tokens } }: PosternConfig) {
  const token = readCompactToken(text);
  const row = token.ok ? issuerRow(claimOf(token.claims, 'sub'), claimOf(token.claims, 'iss'), tokens) : null;
  return row === null ? [] : [row];
}

async function bundlesFor(text: string, config: PosternConfig, io: CliIo) {
  const [row] = rowsFor(text, config);
  return row?.keys.kind === 'bundles' ? readJwtBundles(config.identity, row.issuer, io) : noJwtBundles;
}

function fixed<T>(current: T): Latest<T> {
  return Object.freeze({ current, subscribe: () => () => {} });
}

/** In lines, and the answer in the last. */
export function formatToken(token: TokenInspection, paint: Paint): string {
  const rows: [string, string | null][] = [
    ['issuer', token.issuer],
    ['subject', token.subject],
    ['acted by', token.actors.join(', ') || null],
    ['audience', token.audience.join(', ') || null],
    ['signed', token.algorithm === null ? null : `${token.algorithm}, key ${token.key_id ?? 'not named'}`],
    ['issued', token.issued],
    ['expires', token.expires],
    ['claims', pairs(token.claims)],
    ['type', token.verified ? token.type : null],
    ['identity', token.spiffe_id === null ? null : paint.bold(token.spiffe_id)],
    ['attributes', pairs(token.attributes)],
  ];
  const lines = rows.flatMap(([name, value]) => (value === null ? [] : [`  ${name.padEnd(12)}${value}`]));
  const findings = token.findings.map(
    ({ cause, message, mend }) => `${paint.red('refused')}: ${message} [${cause}]; ${mend}`,
  );
  const answer = token.accepted ? paint.green('accepted') : paint.red('refused');
  const scope = token.verified ? '' : '; who issued it was not judged (give -c postern.yaml)';
  return `${[paint.bold('token'), ...lines, '', ...findings, `${answer}${scope}`].join('\n')}\n`;
}

function pairs(values: Readonly<Record<string, string>>): string | null {
  const text = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return text.length === 0 ? null : text.join(' ');
}
