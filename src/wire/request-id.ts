// `x-request-id` is taken byte for byte or not at all (records.md "Correlation").

/** 1-128 visible ASCII characters. */
export function isAcceptableRequestId(value: string): boolean {
  if (value.length === 0 || value.length > 128) return false;
  for (let at = 0; at < value.length; at++) {
    const octet = value.charCodeAt(at);
    if (octet < 0x21 || octet > 0x7e) return false;
  }
  return true;
}
