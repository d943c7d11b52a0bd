// HOT PATH (npm run bench). What becomes of a field on its way through, by its name in every spelling that a CGI-like
// workload reads as the same (wire.md "Identity fields"): Traefik and Envoy were both passed by a twin.

import { foldedKey } from './folded-key.ts';

/**
 * `keep`: goes on as it is. `hop`: ends here (RFC 9110 §7.6.1). `framing`: written anew from what was parsed. `identity`:
 * only Postern may say it. `correlation`: checked and written anew. `host`: the first line of what is forwarded. `expect`:
 * written anew where it means something.
 */
export type FieldFate = 'keep' | 'hop' | 'framing' | 'identity' | 'correlation' | 'host' | 'expect';

const fates: ReadonlyMap<string, FieldFate> = new Map<string, FieldFate>([
  ['host', 'host'],
  ['expect', 'expect'],
  ['content-length', 'framing'],
  ['transfer-encoding', 'framing'],
  ['connection', 'hop'],
  ['keep-alive', 'hop'],
  // No field of HTTP, but HTTP_PROXY to whatever runs behind CGI (CVE-2016-5385).
  ['proxy', 'hop'],
  ['proxy-connection', 'hop'],
  ['proxy-authenticate', 'hop'],
  ['proxy-authorization', 'hop'],
  ['te', 'hop'],
  ['upgrade', 'hop'],
  ['http2-settings', 'hop'],
  ['x-forwarded-client-cert', 'identity'],
  ['client-cert', 'identity'],
  ['client-cert-chain', 'identity'],
  ['x-request-id', 'correlation'],
  ['traceparent', 'correlation'],
  ['x-forwarded-for', 'correlation'],
  ['forwarded', 'correlation'],
]);

/** By lower-case name. A twin of a field that we treat is treated no better; one of an ordinary field is an ordinary field. */
export function fieldFate(key: string): FieldFate {
  const fate = fates.get(key);
  if (fate !== undefined) return fate;
  const folded = foldedKey(key);
  if (isIdentityName(folded)) return 'identity';
  if (folded === key) return 'keep';
  const twin = fates.get(folded) ?? 'keep';
  return twin === 'host' || twin === 'framing' ? 'hop' : twin;
}

function isIdentityName(key: string): boolean {
  return key.startsWith('x-spiffe-') || key.startsWith('x-postern-');
}

/** Fields that a trailer section must not bring (RFC 9110 §6.5.1): framing, routing, authentication, content, ours. */
const unsafeTrailers: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'www-authenticate',
  'authentication-info',
  'content-encoding',
  'content-type',
  'content-range',
  'content-location',
  'cache-control',
  'expect',
  'expires',
  'date',
  'age',
  'location',
  'retry-after',
  'vary',
  'warning',
  'max-forwards',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'origin',
  'referer',
  'trailer',
  'content-language',
  'content-disposition',
  'proxy-authentication-info',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-original-url',
  'x-rewrite-url',
]);

/** Whether a trailer field may go on. */
export function isSafeTrailer(key: string): boolean {
  if (fieldFate(key) !== 'keep') return false;
  const folded = foldedKey(key);
  return !unsafeTrailers.has(folded) && !folded.startsWith('x-forwarded-') && !folded.startsWith('sec-');
}
