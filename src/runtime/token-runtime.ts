// Opens what configuration says of tokens: issuers with their keys, and the gate that listeners ask. Loaded, with jose, only
// where tokens are configured.

import type { IdentityConfig } from '../config/identity-section.ts';
import type { PosternError } from '../errors.ts';
import type { ReadAttributes } from '../identity/attributes.ts';
import type { RevocationList } from '../identity/revocation-list.ts';
import type { IdentitySource } from '../identity/source.ts';
import { bundleKeys, type KeySource, openFileKeys } from '../identity/tokens/key-source.ts';
import { type FetchDocument, openRemoteKeys, remoteKeysDefaults } from '../identity/tokens/remote-keys.ts';
import { ReplayWatch } from '../identity/tokens/replay-watch.ts';
import { compileTokenIssuer, keyUse, type TokenIssuerOptions } from '../identity/tokens/token-issuer.ts';
import { type KeyedIssuer, TokenVerifier, tokenVerifierDefaults } from '../identity/tokens/token-verifier.ts';
import type { Clock } from '../lib/clock.ts';
import type { Latest } from '../lib/latest.ts';
import { TokenGate } from '../proxy/token-gate.ts';
import { fetchHttpsDocument } from './https-document.ts';

const fetchTimeoutMs = 5_000;
const mostDocumentBytes = 512 * 1024;

export interface TokenRuntimeParts {
  readonly identity: Pick<IdentitySource, 'jwtBundles'>;
  readonly revocations: Latest<RevocationList>;
  readonly attributes: Latest<ReadAttributes>;
  readonly clock: Clock;
  /** Longest that a request waits for keys, milliseconds. */
  readonly keysPatienceMs: number;
  /** Keys could not be had; the last good ones stay. */
  readonly onKeysFailed: (issuer: string, error: PosternError) => void;
  readonly onFault: (error: unknown) => void;
}

/** What is told of an issuer. */
export interface TokenIssuerFigures {
  readonly issuer: string;
  readonly keys: number;
  readonly lastUpdateMs: number;
  readonly failures: number;
}

/** Tokens, as long as the sidecar runs. */
export interface TokenRuntime {
  readonly gate: TokenGate;
  readonly verifier: TokenVerifier;
  figures(): { readonly issuers: readonly TokenIssuerFigures[]; readonly replays: number };
  close(): void;
}

/** Never waits for a key that must be fetched. @throws PosternError ERR_TOKEN_KEYS for a file of keys that is no good */
export async function openTokens(tokens: IdentityConfig['tokens'], parts: TokenRuntimeParts): Promise<TokenRuntime> {
  const issuers: KeyedIssuer[] = [];
  const close = (): void => {
    for (const { keys } of issuers) keys.close();
  };
  try {
    for (const row of tokens) issuers.push({ issuer: compileTokenIssuer(row), keys: await openKeys(row, parts) });
  } catch (error) {
    close();
    throw error;
  }
  let replays = 0;
  const { attributes, revocations, clock } = parts;
  const nowMs = () => clock.nowMs();
  const verifier = new TokenVerifier({ ...tokenVerifierDefaults, issuers, attributes, revocations, nowMs });
  const gate = new TokenGate({ verifier, replays: new ReplayWatch(() => replays++) });
  return { gate, verifier, figures: () => ({ issuers: issuers.map(figuresOf), replays }), close };
}

async function openKeys(row: TokenIssuerOptions, parts: TokenRuntimeParts): Promise<KeySource> {
  const { clock, identity, onFault } = parts;
  const { keys, issuer } = row;
  const nowMs = () => clock.nowMs();
  const onFailed = (error: PosternError): void => parts.onKeysFailed(issuer, error);
  if (keys.kind === 'bundles') return bundleKeys(identity.jwtBundles, issuer, nowMs);
  if (keys.kind === 'file') {
    return openFileKeys({ file: keys.file, use: keyUse(row), nowMs, onRefused: onFailed, onFault });
  }
  const { url, caFile, bearerFile, refreshMs } = keys;
  const bearerOrigin = new URL(url ?? issuer).origin;
  const limits = { timeoutMs: fetchTimeoutMs, mostBytes: mostDocumentBytes };
  const fetchDocument: FetchDocument = (address, signal) =>
    fetchHttpsDocument(address, { caFile, bearerFile, bearerOrigin, signal, ...limits });
  const patienceMs = parts.keysPatienceMs;
  const given = { issuer, url, refreshMs, patienceMs, fetchDocument, clock, random: Math.random, onFailed };
  return openRemoteKeys({ ...remoteKeysDefaults, ...given });
}

function figuresOf({ issuer, keys }: KeyedIssuer): TokenIssuerFigures {
  const { keyCount, lastUpdateMs, failures } = keys.status;
  return { issuer: issuer.options.issuer, keys: keyCount, lastUpdateMs, failures };
}
