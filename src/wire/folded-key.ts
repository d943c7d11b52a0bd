// Field names as a CGI-like workload reads them: some map every octet that is no letter or digit to `_`, so that
// `x_spiffe_id`, `x.spiffe.id` and `x!spiffe~id` all become HTTP_X_SPIFFE_ID (Traefik CVE-2026-33433).

/** The lower-case name with each octet that is no letter or digit turned into `-`; the same string if there is none. */
export function foldedKey(key: string): string {
  return hasOddOctet(key) ? key.replaceAll(/[^a-z0-9]/g, '-') : key;
}

function hasOddOctet(key: string): boolean {
  for (let at = 0; at < key.length; at++) {
    const octet = key.charCodeAt(at);
    const plain = (octet >= 0x61 && octet <= 0x7a) || octet === 0x2d || (octet >= 0x30 && octet <= 0x39);
    if (!plain) return true;
  }
  return false;
}

/** True for `content_length` and the like: a workload may read it as the field that frames the message. */
export function isFramingTwin(key: string): boolean {
  const folded = foldedKey(key);
  return folded !== key && (folded === 'content-length' || folded === 'transfer-encoding');
}
