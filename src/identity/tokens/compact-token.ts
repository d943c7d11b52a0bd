// A token as it comes: the compact form of RFC 7515 §3.1, taken apart and read, nothing verified. The only way in, so that
// every later step sees claims that are plain JSON within limits.

import { refuseToken, type TokenRefusal } from './token-refusals.ts';

/** Longest token, characters. */
export const longestToken = 16 * 1024;

/** Most of a `kid` that is looked at, characters. */
const longestKeyId = 512;

/** Claims as the payload has them. Own properties only: `__proto__` is a name like any other. */
export type Claims = Readonly<Record<string, unknown>>;

/** What is read before anything is verified. */
export interface CompactToken {
  readonly ok: true;
  readonly header: Readonly<Record<string, unknown>>;
  readonly algorithm: string;
  readonly keyId: string | null;
  readonly claims: Claims;
}

/** Reads the three parts. */
export function readCompactToken(text: string): CompactToken | TokenRefusal {
  if (text.length > longestToken) return refuseToken('token_too_large');
  const parts = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)$/.exec(text);
  if (parts === null) return refuseToken('token_malformed', 'it is not three parts of base64url with dots between');
  if (!isCanonical(parts[3]!)) return refuseToken('token_malformed', 'its signature is not canonical base64url');
  const header = readObject(parts[1]!);
  const claims = readObject(parts[2]!);
  if (header === null || claims === null) {
    return refuseToken('token_malformed', `its ${header === null ? 'header' : 'payload'} is not a JSON object`);
  }
  const { alg, kid } = header as { alg?: unknown; kid?: unknown };
  if (typeof alg !== 'string') return refuseToken('algorithm_refused', 'its header names no `alg`');
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > longestKeyId)) {
    return refuseToken('token_malformed', 'its `kid` is not a text, empty, or too long');
  }
  return Object.freeze({ ok: true, header, algorithm: alg, keyId: kid ?? null, claims });
}

/** The value of a claim; undefined where there is none. JSON `null` is none. */
export function claimOf(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? (claims[name] ?? undefined) : undefined;
}

/** False for another spelling of the same octets, with bits set that do not count (RFC 4648 §3.5). */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function readObject(part: string): Readonly<Record<string, unknown>> | null {
  try {
    if (!isCanonical(part)) return null;
    const value: unknown = JSON.parse(utf8.decode(Buffer.from(part, 'base64url')));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
