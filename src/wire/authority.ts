// HOT PATH (npm run bench). Host and port as they stand in Host and in absolute targets (RFC 3986 §3.2, RFC 9110 §7.2),
// without userinfo. One spelling for each: lower case, no trailing dot, IPv6 as RFC 5952 has it, so that a policy is not
// passed by another spelling (Istio CVE-2021-39155).

import { isHostNameText } from './octets.ts';

export interface Authority {
  readonly host: string;
  readonly port: number | undefined;
}

/** Parsed and normalised, or null. */
export function parseAuthority(text: string): Authority | null {
  const portAt = text.endsWith(']') ? -1 : text.lastIndexOf(':');
  const host = normalHost(portAt < 0 ? text : text.slice(0, portAt));
  if (host === null) return null;
  if (portAt < 0) return { host, port: undefined };
  const port = parsePort(text, portAt + 1);
  return port < 0 ? null : { host, port };
}

function normalHost(text: string): string | null {
  if (text.startsWith('[')) return normalIpv6(text);
  if (!isHostNameText(text) || text.length > 255) return null;
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name === '' || name.startsWith('.') || name.endsWith('.') || name.includes('..')) return null;
  return name.toLowerCase();
}

function normalIpv6(text: string): string | null {
  if (!/^\[[0-9a-fA-F:.]{2,45}\]$/.test(text)) return null;
  return URL.parse(`http://${text}/`)?.hostname ?? null;
}

/** 1-5 digits up to 65535, or -1. */
function parsePort(text: string, from: number): number {
  if (from === text.length || text.length - from > 5) return -1;
  let port = 0;
  for (let at = from; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    port = port * 10 + digit;
  }
  return port <= 65_535 ? port : -1;
}
