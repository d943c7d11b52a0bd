// HOT PATH (npm run bench). Fields to header blocks (RFC 7541), as latin1 text of one character an octet: blocks are joined with
// the frames around them and written once. Fields that come again go through the table; strings are not Huffman-coded, since
// both sides would pay more CPU time for that than the octets cost between services.

import { DynamicTable, entryBytes, hpackEntry, hpackTableBytes, staticTable } from './hpack-table.ts';

/** Fields whose values come again on a connection; every other would only push these out. */
const repeating: ReadonlySet<string> = new Set(
  (
    ':authority :path accept accept-encoding accept-language access-control-allow-origin cache-control ' +
    'content-encoding content-type date grpc-accept-encoding grpc-encoding server strict-transport-security te ' +
    'user-agent vary x-content-type-options x-forwarded-client-cert x-forwarded-for x-frame-options x-postern-peer ' +
    'x-powered-by'
  ).split(' '),
);

/** Never put in a table, here or further on (§7.1.3). */
const secret: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
  'x-api-key',
]);

/** Values beyond this would fill the table alone. */
const indexedBytes = 512;

const staticNames: ReadonlyMap<string, number> = indexOfNames();
const staticValues: ReadonlyMap<string, number> = new Map(
  staticTable.flatMap(({ name, value }, at) => (value === '' ? [] : [[`${name}\n${value}`, at + 1] as const])),
);

export class HpackEncoder {
  /** Numbers of the entries of the table, by name and value. */
  readonly #numbers = new Map<string, number>();
  readonly #table = new DynamicTable(({ name, value }, number) => {
    const key = `${name}\n${value}`;
    if (this.#numbers.get(key) === number) this.#numbers.delete(key);
  });
  /** Sizes to be told at the beginning of the next block. */
  #smallest: number | null = null;

  get tableBytes(): number {
    return this.#table.bytes;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE; we never use more than the default. */
  setPeerTableBytes(bytes: number): void {
    const size = Math.min(bytes, hpackTableBytes);
    this.#smallest = Math.min(this.#smallest ?? this.#table.maxBytes, size);
    this.#table.resize(size);
  }

  /** What a block begins with: changes of the table that the peer has not heard of (§4.2). */
  begin(): string {
    const smallest = this.#smallest;
    if (smallest === null) return '';
    this.#smallest = null;
    const now = this.#table.maxBytes;
    const told = number(smallest, 0x1f, 0x20);
    return smallest < now ? told + number(now, 0x1f, 0x20) : told;
  }

  /** One field; `name` in lower case. */
  field(name: string, value: string): string {
    const key = `${name}\n${value}`;
    const fixed = staticValues.get(key);
    if (fixed !== undefined) return number(fixed, 0x7f, 0x80);
    const known = this.#numbers.get(key);
    if (known !== undefined) return number(staticTable.length + 1 + this.#table.added - known, 0x7f, 0x80);
    const nameAt = staticNames.get(name) ?? 0;
    if (!repeating.has(name) || value.length > indexedBytes) {
      return literal(name, value, { nameAt, mask: 0x0f, bits: secret.has(name) ? 0x10 : 0x00 });
    }
    this.#add(name, value, key);
    return literal(name, value, { nameAt, mask: 0x3f, bits: 0x40 });
  }

  #add(name: string, value: string, key: string): void {
    this.#table.add(hpackEntry(name, value));
    if (entryBytes(name, value) <= this.#table.maxBytes) this.#numbers.set(key, this.#table.added);
  }
}

function literal(
  name: string,
  value: string,
  form: { readonly nameAt: number; readonly mask: number; readonly bits: number },
): string {
  const named = number(form.nameAt, form.mask, form.bits);
  return (form.nameAt === 0 ? named + text(name) : named) + text(value);
}

function text(value: string): string {
  return number(value.length, 0x7f, 0) + value;
}

/** RFC 7541 §5.1, with the bits that stand before the prefix. */
function number(value: number, mask: number, bits: number): string {
  if (value < mask) return String.fromCharCode(bits | value);
  let out = String.fromCharCode(bits | mask);
  let rest = value - mask;
  while (rest >= 0x80) {
    out += String.fromCharCode((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return out + String.fromCharCode(rest);
}

function indexOfNames(): ReadonlyMap<string, number> {
  const names = new Map<string, number>();
  for (const [at, { name }] of staticTable.entries()) {
    if (!names.has(name)) names.set(name, at + 1);
  }
  return names;
}
