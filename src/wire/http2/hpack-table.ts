// HOT PATH (npm run bench). The static and the dynamic table of HPACK (RFC 7541 §2.3, §4, appendix A).

import { isFieldValueText, isToken, octetClasses } from '../octets.ts';

/** A field as it stands in a table. */
export interface HpackEntry {
  readonly name: string;
  readonly value: string;
  /** What is wrong with it as a field of HTTP (RFC 9113 §8.2.1), or null. Looked at once, however often it is referred to. */
  readonly fault: 'name' | 'value' | null;
}

/** Makes an entry and judges it. */
export function hpackEntry(name: string, value: string): HpackEntry {
  return { name, value, fault: isFieldName(name) ? (isPlainValue(value) ? null : 'value') : 'name' };
}

/** A token without capitals; a colon in front makes a pseudo-header field, which has rules of its own. */
function isFieldName(name: string): boolean {
  const start = name.charCodeAt(0) === 0x3a ? 1 : 0;
  if (name.length === start) return false;
  for (let at = start; at < name.length; at++) {
    const octet = name.charCodeAt(at);
    if ((octetClasses[octet]! & isToken) === 0 || (octet >= 0x41 && octet <= 0x5a)) return false;
  }
  return true;
}

function isPlainValue(value: string): boolean {
  return !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(value.length - 1)) && isFieldValueText(value);
}

function isBlank(octet: number): boolean {
  return octet === 0x20 || octet === 0x09;
}

const staticFields =
  ':authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|' +
  ':status=206|:status=304|:status=400|:status=404|:status=500|accept-charset|accept-encoding=gzip, deflate|' +
  'accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|' +
  'content-disposition|content-encoding|content-language|content-length|content-location|content-range|' +
  'content-type|cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|' +
  'if-unmodified-since|last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|' +
  'referer|refresh|retry-after|server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|' +
  'www-authenticate';

/** Entries 1 to 61, at their index less one. */
export const staticTable: readonly HpackEntry[] = staticFields.split('|').map((field) => {
  const [name, value = ''] = field.split('=');
  return hpackEntry(name!, value);
});

/** Octets of an entry as both sides count them (§4.1). */
export function entryBytes(name: string, value: string): number {
  return name.length + value.length + 32;
}

/** The size that both sides begin with, and the most we ever use (RFC 9113 §6.5.2). */
export const hpackTableBytes = 4096;

/** A dynamic table: what came last has the lowest index. */
export class DynamicTable {
  readonly #entries: HpackEntry[] = [];
  #bytes = 0;
  #maxBytes = hpackTableBytes;
  /** Entries ever added; the newest has this number, counted from 1. */
  #added = 0;
  /** Entries ever dropped. */
  #dropped = 0;
  #edition = 0;
  readonly #onDrop: ((entry: HpackEntry, number: number) => void) | null;

  constructor(onDrop: ((entry: HpackEntry, number: number) => void) | null = null) {
    this.#onDrop = onDrop;
  }

  /** Another value after everything that was done to it, whether or not that showed. */
  get edition(): number {
    return this.#edition;
  }

  get added(): number {
    return this.#added;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** The entry with an index from 0, or undefined. */
  at(index: number): HpackEntry | undefined {
    return this.#entries[this.#entries.length - 1 - index];
  }

  /** Adds, and drops what then has no room; an entry larger than the table empties it (§4.4). */
  add(entry: HpackEntry): void {
    this.#edition++;
    const bytes = entryBytes(entry.name, entry.value);
    this.#shrinkTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    this.#entries.push(entry);
    this.#bytes += bytes;
    this.#added++;
  }

  resize(maxBytes: number): void {
    this.#edition++;
    this.#maxBytes = maxBytes;
    this.#shrinkTo(maxBytes);
  }

  #shrinkTo(bytes: number): void {
    let count = 0;
    while (count < this.#entries.length && this.#bytes > Math.max(bytes, 0)) {
      const oldest = this.#entries[count++]!;
      this.#bytes -= entryBytes(oldest.name, oldest.value);
      this.#dropped++;
      this.#onDrop?.(oldest, this.#dropped);
    }
    if (count > 0) this.#entries.splice(0, count);
  }
}
