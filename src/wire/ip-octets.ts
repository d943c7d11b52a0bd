// IP addresses between their text and the octets that binary headers carry. Text comes from sockets, so it is well-formed;
// what is not gives null.

/** The 4 or 16 octets of an address, or null. */
export function ipOctets(text: string): Uint8Array | null {
  return text.includes(':') ? ipv6Octets(text) : ipv4Octets(text);
}

/** The text of 4 or 16 octets, as RFC 5952 writes it; an IPv4 address that was mapped into IPv6 as what it is. */
export function ipText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  if (mappedPrefix.every((octet, at) => octets[at] === octet)) return octets.subarray(12).join('.');
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(((octets[at]! << 8) | octets[at + 1]!).toString(16));
  return withoutZeros(groups.join(':'));
}

const mappedPrefix: readonly number[] = Object.freeze([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);

/** The first of the longest runs of at least two zeros becomes `::` (RFC 5952 §4.2). */
function withoutZeros(text: string): string {
  const runs = [...text.matchAll(/(?<=^|:)0(:0)+(?=:|$)/g)];
  const longest = runs.reduce((most, [run]) => Math.max(most, run.length), 0);
  const run = runs.find(([one]) => one.length === longest);
  if (run === undefined) return text;
  return `${text.slice(0, run.index).replace(/:$/, '')}::${text.slice(run.index + longest).replace(/^:/, '')}`;
}

function ipv4Octets(text: string): Uint8Array | null {
  const parts = text.split('.');
  const isWhole = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
  return isWhole ? Uint8Array.from(parts, Number) : null;
}

function ipv6Octets(text: string): Uint8Array | null {
  const [head = '', tail, ...more] = withoutIpv4(text.split('%')[0]!).split('::');
  if (more.length > 0) return null;
  const [left, right] = [groupsOf(head), groupsOf(tail ?? '')];
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...left, ...Array.from({ length: missing }, () => '0'), ...right];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

function groupsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(':');
}

/** `::ffff:10.0.0.1` with its last 32 bits as two groups. */
function withoutIpv4(text: string): string {
  const at = text.lastIndexOf(':') + 1;
  const octets = text.includes('.') ? ipv4Octets(text.slice(at)) : null;
  if (octets === null) return text;
  const [a = 0, b = 0, c = 0, d = 0] = octets;
  return `${text.slice(0, at)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}
