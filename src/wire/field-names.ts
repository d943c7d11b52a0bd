// HOT PATH (npm run bench). Lower-case names of fields that are often seen, found by the spelling that came: neither
// checked nor lowered anew. The table is fixed: one that learns would be filled by a hostile peer.

const names =
  'accept accept-charset accept-encoding accept-language accept-ranges access-control-allow-credentials ' +
  'access-control-allow-headers access-control-allow-methods access-control-allow-origin ' +
  'access-control-expose-headers access-control-max-age access-control-request-headers ' +
  'access-control-request-method age allow alt-svc authorization baggage cache-control client-cert ' +
  'client-cert-chain connection content-disposition content-encoding content-language content-length ' +
  'content-location content-range content-security-policy content-type cookie date dnt etag expect expires ' +
  'forwarded from host http2-settings idempotency-key if-match if-modified-since if-none-match if-range ' +
  'if-unmodified-since keep-alive last-modified link location max-forwards origin permissions-policy pragma ' +
  'priority proxy-authenticate proxy-authorization proxy-connection range referer referrer-policy retry-after ' +
  'sec-fetch-dest sec-fetch-mode sec-fetch-site sec-websocket-accept sec-websocket-extensions ' +
  'sec-websocket-key sec-websocket-protocol sec-websocket-version server server-timing set-cookie ' +
  'strict-transport-security te trace-id traceparent tracestate trailer transfer-encoding upgrade ' +
  'upgrade-insecure-requests user-agent vary via warning www-authenticate x-api-key x-content-type-options ' +
  'x-correlation-id x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port ' +
  'x-forwarded-proto x-frame-options x-powered-by x-real-ip x-request-id x-tenant x-tenant-id ' +
  'x-xss-protection';

const ownSpellings = ['ETag', 'TE', 'DNT', 'WWW-Authenticate', 'X-Request-ID', 'X-XSS-Protection'];

/** A name as it is spelt, and in lower case. */
export interface KnownName {
  readonly name: string;
  readonly key: string;
}

const slotMask = 2047;
const slots: readonly (KnownName | undefined)[] = buildSlots();

/**
 * The well-known name that stands in `text` from `start` to `end`, or undefined. Measured: a Map has to hash each name
 * as a string of its own first, and costs as much as the scan of the whole head.
 */
export function knownName(text: string, start: number, end: number): KnownName | undefined {
  let slot = slotOf(text, start, end);
  for (let entry = slots[slot]; entry !== undefined; entry = slots[slot]) {
    if (standsAt(text, start, end, entry.name)) return entry;
    slot = (slot + 1) & slotMask;
  }
  return undefined;
}

/** Length and three octets tell nearly all names apart. */
function slotOf(text: string, start: number, end: number): number {
  const first = text.charCodeAt(start);
  const middle = text.charCodeAt((start + end) >> 1);
  const last = text.charCodeAt(end - 1);
  return ((end - start) * 977 + first * 131 + middle * 31 + last * 7) & slotMask;
}

function standsAt(text: string, start: number, end: number, name: string): boolean {
  if (name.length !== end - start) return false;
  for (let at = 0; at < name.length; at++) {
    if (name.charCodeAt(at) !== text.charCodeAt(start + at)) return false;
  }
  return true;
}

function buildSlots(): (KnownName | undefined)[] {
  const built = new Array<KnownName | undefined>(slotMask + 1).fill(undefined);
  const add = (name: string): void => {
    let slot = slotOf(name, 0, name.length);
    while (built[slot] !== undefined) slot = (slot + 1) & slotMask;
    built[slot] = Object.freeze({ name, key: interned(name.toLowerCase()) });
  };
  for (const key of names.split(' ')) {
    add(key);
    add(key.split('-').map(capitalized).join('-'));
  }
  ownSpellings.forEach(add);
  return built;
}

/** The engine's own copy of a text, as its literals are: it compares by address, where two copies compare by octets. */
function interned(text: string): string {
  return Object.keys({ [text]: true })[0]!;
}

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
