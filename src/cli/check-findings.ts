// What `postern check` looks at: the configuration, then what it names (identity files, policies), without starting or
// making anything.

import { existsSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import { lintPolicies } from '../authz/lint/lint.ts';
import type { LintContext } from '../authz/lint/lint-rule.ts';
import { compileSources, loadDefaults, readPolicySources } from '../authz/loader.ts';
import { bundleFilesOf } from '../config/federation-section.ts';
import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { isPosternError, PosternError, type SourcePosition } from '../errors.ts';
import { readFederated, textOf } from '../identity/bundle-files.ts';
import { readCrls } from '../identity/crl-files.ts';
import { type FederatedBundleFile, readFileSet } from '../identity/identity-files.ts';
import { readingOf } from '../identity/identity-state.ts';
import { readRegistry } from '../identity/registry-file.ts';
import { readRevocations } from '../identity/revocations-source.ts';
import { readFileKeys } from '../identity/tokens/key-source.ts';
import { keyUse } from '../identity/tokens/token-issuer.ts';
import { systemClock } from '../lib/clock.ts';
import type { Finding } from '../lib/finding.ts';
import type { CliIo } from './cli-io.ts';
import { lintSurroundings } from './lint-surroundings.ts';
import { readOwnIdentity } from './own-identity.ts';
import { settingFindings } from './setting-findings.ts';

/** Everything that was found, and what there is when nothing was. */
export interface CheckResult {
  readonly findings: readonly Finding[];
  readonly listeners: number;
  readonly policies: number;
  readonly rules: number;
}

/**
 * Checks a configuration file and all that it names.
 * @throws PosternError ERR_CONFIG_READ where the file itself cannot be read
 */
export async function checkConfiguration(file: string, io: CliIo): Promise<CheckResult> {
  let loaded: LoadedConfig;
  try {
    loaded = await loadConfig(file, io.env, io.cwd);
  } catch (error) {
    if (!isPosternError(error, 'ERR_CONFIG_INVALID')) throw error;
    return { findings: error.findings, listeners: 0, policies: 0, rules: 0 };
  }
  const { config, warnings } = loaded;
  const identity = await identityFindings(loaded, io);
  const lists = await listFindings(loaded);
  const isKnown = lists.length === 0 && !identity.some(({ severity }) => severity === 'error');
  const settings = isKnown ? await settingFindings(loaded, io) : [];
  const lint = config.policy.strict && lists.length === 0 ? (await lintSurroundings(config, io)).context : null;
  const enforced = await policyFindings(loaded, 'paths', lint);
  const shadow = await policyFindings(loaded, 'shadow', lint);
  const tokens = await tokenFindings(loaded);
  const policyFaults = [...enforced.findings, ...shadow.findings];
  const findings = [...warnings, ...settings, ...identity, ...tokens, ...lists, ...policyFaults];
  const { policies, rules } = enforced;
  return {
    findings: findings.map((found) => fromHere(found, io.cwd)),
    listeners: config.inbound.length + config.outbound.length,
    policies,
    rules,
  };
}

async function identityFindings({ config: { identity }, positionOf }: LoadedConfig, io: CliIo): Promise<Finding[]> {
  // The CA is made at the first start; to check is not to make.
  if (identity.source === 'dev-ca' && !existsSync(identity.devCa.dir)) return [];
  if (identity.source === 'workload-api')
    return [
      ...(await federationFindings(bundleFilesOf(identity.federation), positionOf(['identity', 'federation']))),
      ...(await crlFindings(identity.crl.files, positionOf(['identity', 'crl']))),
    ];
  const place = positionOf(['identity', identity.source === 'files' ? 'files' : 'dev_ca']);
  try {
    const { warnings } = await readOwnIdentity(identity, io);
    return warnings.map((warning) => asFinding(warning, 'warning', place));
  } catch (error) {
    if (isPosternError(error)) return [asFinding(error, 'error', place)];
    throw error;
  }
}

/**
 * Files that rows of `identity.tokens` name. Keys must be there at the start; what a fetch needs may come later, and what
 * must be fetched is not asked for.
 */
async function tokenFindings({ config, positionOf }: LoadedConfig): Promise<readonly Finding[]> {
  const findings = config.identity.tokens.map(async (row, at): Promise<Finding[]> => {
    const place = positionOf(['identity', 'tokens', at]);
    const { keys } = row;
    if (keys.kind === 'bundles') return [];
    if (keys.kind === 'file') {
      const error = await readFileKeys({ file: keys.file, use: keyUse(row) }).then(() => null, asPosternError);
      return error === null ? [] : [asFinding(error, 'error', place)];
    }
    const missing = [keys.caFile, keys.bearerFile].filter((file) => file !== null && !existsSync(file));
    const fault = (file: string) => new PosternError('ERR_TOKEN_KEYS', `\`${file}\` is not there`);
    return missing.map((file) => asFinding(fault(file!), 'warning', place));
  });
  return (await Promise.all(findings)).flat();
}

function asPosternError(error: unknown): PosternError {
  if (isPosternError(error)) return error;
  throw error;
}

/** Of what operators keep in files of their own. */
async function listFindings({ config, positionOf }: LoadedConfig): Promise<readonly Finding[]> {
  const { policy, inventory } = config;
  const revoked = await faultsOf(() => readRevocations(policy.revocationsFile), positionOf(['policy', 'revocations']));
  const known = await faultsOf(() => readRegistry(inventory.registryFile), positionOf(['inventory', 'registry']));
  return [...revoked, ...known];
}

async function faultsOf(read: () => Promise<unknown>, place: SourcePosition): Promise<readonly Finding[]> {
  try {
    await read();
    return [];
  } catch (error) {
    if (!isPosternError(error)) throw error;
    return error.findings.length > 0 ? error.findings : [asFinding(error, 'error', place)];
  }
}

/** Of an agent only the files beside it can be checked: it serves who runs the sidecar, where it runs. */
async function federationFindings(files: readonly FederatedBundleFile[], place: SourcePosition): Promise<Finding[]> {
  const texts = await readFileSet(files.map((one) => one.bundleFile));
  const bundles = readFederated(texts, files, systemClock.nowMs());
  return [...bundles.values()].flatMap((one) => (one.ok ? [] : [asFinding(one.error, 'error', place)]));
}

async function crlFindings(files: readonly string[], place: SourcePosition): Promise<Finding[]> {
  const texts = await readFileSet(files);
  const readings = files.map((file) => readingOf(() => readCrls(textOf(texts, file), file)));
  return readings.flatMap((one) => (one.ok ? [] : [asFinding(one.error, 'error', place)]));
}

async function policyFindings(
  { config, positionOf }: LoadedConfig,
  key: 'paths' | 'shadow',
  lint: LintContext | null,
): Promise<Omit<CheckResult, 'listeners'>> {
  const { allowAnyTrustDomain, paths, shadowPaths } = config.policy;
  const files = key === 'paths' ? paths : shadowPaths;
  if (files.length === 0) return { findings: [], policies: 0, rules: 0 };
  try {
    const sources = await readPolicySources(files);
    const result = compileSources(sources, { ...loadDefaults, allowAnyTrustDomain });
    const policies = result.ok ? result.set.policies : [];
    // `policy.strict` refuses what the linter calls an error.
    const documents = policies.map((policy) => policy.document);
    const doubts = lint === null ? [] : lintPolicies({ sources, policies: documents }, lint);
    const rules = policies.reduce((sum, policy) => sum + policy.rules.length, 0);
    return { findings: [...result.findings, ...doubts], policies: policies.length, rules };
  } catch (error) {
    if (!isPosternError(error)) throw error;
    return { findings: [asFinding(error, 'error', positionOf(['policy', key]))], policies: 0, rules: 0 };
  }
}

function asFinding(error: PosternError, severity: Finding['severity'], place: SourcePosition): Finding {
  return { code: error.code, severity, message: error.message, mend: error.mend, position: error.position ?? place };
}

/** Names files as somebody in `cwd` would; a terminal then makes links of them. */
function fromHere(finding: Finding, cwd: string): Finding {
  const { position } = finding;
  if (position === undefined || !isAbsolute(position.file)) return finding;
  const file = relative(cwd, position.file);
  return file.startsWith('..') ? finding : { ...finding, position: { ...position, file } };
}
