// Host and port as they stand in Host and in absolute targets (RFC 3986 §3.2, RFC 9110 §7.2), without userinfo. Compared
// in lower case, without a trailing dot: a policy must not be passed by another spelling (Istio CVE-2021-39155).

export interface Authority {
  readonly host: string;
  readonly port: number | undefined;
}

const registeredName = /^[a-z0-9._~!$&'()*+,;=-]+$/;
const bracketed = /^\[[0-9a-f:.]+\]$/;

/** Parsed and normalised, or null. */
export function parseAuthority(text: string): Authority | null {
  const portAt = text.endsWith(']') ? -1 : text.lastIndexOf(':');
  const hostEnd = portAt < 0 ? text.length : portAt;
  const host = normalHost(text.slice(0, hostEnd));
  if (host === null) return null;
  if (portAt < 0) return { host, port: undefined };
  const port = parsePort(text.slice(portAt + 1));
  return port === null ? null : { host, port };
}

function normalHost(text: string): string | null {
  const lower = text.toLowerCase();
  if (bracketed.test(lower)) return lower;
  const name = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  return registeredName.test(name) && !name.startsWith('.') && !name.endsWith('.') ? name : null;
}

function parsePort(text: string): number | null {
  if (!/^[0-9]{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port <= 65_535 ? port : null;
}
