// What a token must say, besides being signed: RFC 7519 §4.1, RFC 8725 §3, and for SVIDs the JWT-SVID standard. Each rule
// gives every fault it sees, so that the proxy takes the first and `identity inspect` shows them all.

import { escapeText, shown } from '../shown-text.ts';
import { actorsOf } from './actor-chain.ts';
import { claimAt } from './claim-template.ts';
import { type Claims, type CompactToken, claimOf } from './compact-token.ts';
import type { TokenIssuer } from './token-issuer.ts';
import { refuseToken, type TokenRefusal } from './token-refusals.ts';

/** How far the clock of an issuer may be ahead, milliseconds; at the end of a token none is given. */
const skewMs = 60_000;
/** Longest `sub` and `jti`, characters. */
const longestName = 1024;
/** Last second that a date can hold. */
const lastSecond = 8.64e12;

/** Every fault of a token of this issuer as of now, but those of its signature; empty for none. */
export function tokenFaults(token: CompactToken, issuer: TokenIssuer, nowMs: number): readonly TokenRefusal[] {
  const faults = [
    ...headerFaults(token, issuer),
    ...audienceFaults(token.claims, issuer),
    ...timeFaults(token.claims, nowMs),
    ...nameFaults(token.claims),
    ...requiredFaults(token.claims, issuer),
  ];
  const subject = shownSubject(token.claims);
  return faults.map(([cause, detail]) => refuseToken(cause, detail, subject));
}

/** Whether it has ended, as of now. */
export function isExpired(expiresMs: number, nowMs: number): boolean {
  return nowMs >= expiresMs;
}

/** `sub` as presented, for the operator. */
export function shownSubject(claims: Claims): string | null {
  const subject = claimOf(claims, 'sub');
  return typeof subject === 'string' ? escapeText(subject.slice(0, 256)) : null;
}

/** A NumericDate (RFC 7519 §2) in milliseconds; undefined where there is none, null where it is no time. */
export function timeOf(claims: Claims, name: 'exp' | 'nbf' | 'iat'): number | null | undefined {
  const value = claimOf(claims, name);
  if (value === undefined) return undefined;
  return typeof value === 'number' && value >= 0 && value <= lastSecond ? value * 1000 : null;
}

type Fault = readonly [cause: TokenRefusal['cause'], detail: string];

function headerFaults({ header, algorithm }: CompactToken, issuer: TokenIssuer): Fault[] {
  const faults: Fault[] = [];
  if (!issuer.algorithms.has(algorithm)) faults.push(['algorithm_refused', `it is signed with ${shown(algorithm)}`]);
  // RFC 7515 §4.1.11: whoever does not understand what is critical must refuse; nothing of it is understood here.
  if (Object.hasOwn(header, 'crit')) faults.push(['header_refused', 'its header has `crit`']);
  // Signs something else than what stands there (RFC 7797).
  else if (Object.hasOwn(header, 'b64')) faults.push(['header_refused', 'its header has `b64`']);
  if (issuer.options.profile === 'jwt_svid') faults.push(...svidHeaderFaults(header));
  return faults;
}

/** JWT-SVID §2: no other headers than `alg`, `kid` and `typ`, which is `JWT` or `JOSE`. */
function svidHeaderFaults(header: CompactToken['header']): Fault[] {
  const { typ } = header as { typ?: unknown };
  const other = Object.keys(header).find((name) => !['alg', 'kid', 'typ', 'crit', 'b64'].includes(name));
  const faults: Fault[] = [];
  if (other !== undefined)
    faults.push(['header_refused', `its header has ${shown(other)}, which no JWT-SVID may have`]);
  if (typ !== undefined && typ !== 'JWT' && typ !== 'JOSE')
    faults.push(['header_refused', 'its `typ` is neither `JWT` nor `JOSE`']);
  return faults;
}

function audienceFaults(claims: Claims, issuer: TokenIssuer): Fault[] {
  const value = claimOf(claims, 'aud');
  const audience: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (value === undefined || !audience.every((one) => typeof one === 'string')) {
    return [['claim_malformed', 'its `aud` is missing, or neither a text nor a list of texts']];
  }
  if (audience.some((one) => issuer.audience.has(one as string))) return [];
  const meant = audience.slice(0, 4).map((one) => shown(one as string));
  return [['audience_mismatch', `it is meant for ${meant.join(', ') || 'nobody'}`]];
}

function timeFaults(claims: Claims, nowMs: number): Fault[] {
  const faults: Fault[] = [];
  const expiresMs = timeOf(claims, 'exp');
  if (typeof expiresMs !== 'number') faults.push(['claim_malformed', 'its `exp` is missing or no time']);
  else if (isExpired(expiresMs, nowMs)) faults.push(['expired', `it expired at ${new Date(expiresMs).toISOString()}`]);
  for (const name of ['nbf', 'iat'] as const) {
    const fromMs = timeOf(claims, name);
    if (fromMs === null) faults.push(['claim_malformed', `its \`${name}\` is no time`]);
    else if (fromMs !== undefined && fromMs > nowMs + skewMs) {
      faults.push(['not_yet_valid', `its \`${name}\` is ${new Date(fromMs).toISOString()}`]);
    }
  }
  return faults;
}

function nameFaults(claims: Claims): Fault[] {
  const faults: Fault[] = [];
  if (!isName(claimOf(claims, 'sub'))) faults.push(['subject_invalid', 'its `sub` is missing, too long or not plain']);
  const jti = claimOf(claims, 'jti');
  if (jti !== undefined && !isName(jti)) faults.push(['claim_malformed', 'its `jti` is empty, too long or not plain']);
  if (actorsOf(claims) === null) faults.push(['claim_malformed', 'its `act` is not a chain of actors with a `sub`']);
  return faults;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longestName && !/\p{C}/u.test(value);
}

function requiredFaults(claims: Claims, { options }: TokenIssuer): Fault[] {
  return Object.entries(options.require).flatMap(([name, values]): Fault[] => {
    const value = claimAt(claims, name);
    const isPlain = typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number';
    if (isPlain && values.includes(`${value}`)) return [];
    return [['claim_mismatch', `its claim ${shown(name)} is not what \`require\` asks for`]];
  });
}
