// Where the keys of an issuer come from while it serves: a document that is fetched, a watched file, or the bundles of the
// identity source. Whatever happens, the last good keys stay.

import { readFile } from 'node:fs/promises';
import { PosternError } from '../../errors.ts';
import { watchFiles } from '../../lib/file-watch.ts';
import type { Latest } from '../../lib/latest.ts';
import type { JwtBundle, JwtBundles } from '../jwt-bundle.ts';
import { shown } from '../shown-text.ts';
import { type KeySet, keySet, noKeys, readKey, readKeySet } from './verification-keys.ts';

/** What is told of a source of keys. */
export interface KeySourceStatus {
  readonly keyCount: number;
  /** When keys were last had, milliseconds; 0: never. */
  readonly lastUpdateMs: number;
  readonly failures: number;
}

/** Keys of one issuer. */
export interface KeySource {
  /** The last good keys; empty before the first. */
  readonly current: KeySet;
  readonly status: KeySourceStatus;
  /** A token names a key that is not there: resolves when it was looked for, or at once where that may not be now. */
  lookAgain(): Promise<void>;
  close(): void;
}

/** Keys of a trust domain from the bundles of the identity source, which are pushed: there is nothing to look for. */
export function bundleKeys(bundles: Latest<JwtBundles>, trustDomain: string, nowMs: () => number): KeySource {
  let seen: JwtBundle | null = null;
  let current = noKeys;
  let lastUpdateMs = 0;
  const look = (): KeySet => {
    const bundle = bundles.current.get(trustDomain) ?? null;
    if (bundle === seen) return current;
    seen = bundle;
    lastUpdateMs = nowMs();
    const keys = (bundle?.authorities ?? []).map(({ jwk }) => readKey(jwk, 'jwt-svid')).filter((key) => key !== null);
    current = keySet(keys);
    return current;
  };
  return {
    get current() {
      return look();
    },
    get status() {
      return { keyCount: look().keys.length, lastUpdateMs, failures: 0 };
    },
    lookAgain: async () => {},
    close: () => {},
  };
}

export interface FileKeysOptions {
  readonly file: string;
  readonly use: 'sig' | 'jwt-svid';
  readonly nowMs: () => number;
  /** It changed to what cannot be used; the last good keys stay. */
  readonly onRefused: (error: PosternError) => void;
  readonly onFault: (error: unknown) => void;
}

/** Keys of a watched file. @throws PosternError ERR_TOKEN_KEYS where it holds none at the start */
export async function openFileKeys(options: FileKeysOptions): Promise<KeySource> {
  let current = await readFileKeys(options);
  let lastUpdateMs = options.nowMs();
  let failures = 0;
  const readAgain = async (): Promise<void> => {
    try {
      current = await readFileKeys(options);
      lastUpdateMs = options.nowMs();
    } catch (error) {
      failures++;
      options.onRefused(error as PosternError);
    }
  };
  const onChange = (): void => void readAgain();
  const watch = watchFiles({ paths: [options.file], pollMs: 5_000, settleMs: 50, onChange, onError: options.onFault });
  await watch.ready;
  return {
    get current() {
      return current;
    },
    get status() {
      return { keyCount: current.keys.length, lastUpdateMs, failures };
    },
    lookAgain: async () => {},
    close: () => watch.close(),
  };
}

/** Reads a file of keys once. @throws PosternError ERR_TOKEN_KEYS where it holds none that could verify */
export async function readFileKeys({ file, use }: Pick<FileKeysOptions, 'file' | 'use'>): Promise<KeySet> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown fault';
    throw new PosternError('ERR_TOKEN_KEYS', `the keys ${shown(file)} cannot be read (${code})`, { cause });
  }
  const keys = readKeySet(text, use);
  if (keys !== null) return keys;
  throw new PosternError(
    'ERR_TOKEN_KEYS',
    `${shown(file)} holds no key with \`use: ${use}\` that could verify a token`,
  );
}
