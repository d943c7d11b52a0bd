// HOT PATH (npm run bench). Header blocks to fields (RFC 7541). A block that came before, and left the table as it was, is not
// read twice: what came of it is kept until the table changes in any way, so that it can never be stale.

import { FieldList } from '../field-list.ts';
import type { RequestHead } from '../http1-message.ts';
import { h2Codes } from './frame-types.ts';
import { DynamicTable, entryBytes, type HpackEntry, hpackEntry, hpackTableBytes, staticTable } from './hpack-table.ts';
import { Http2Fault } from './http2-fault.ts';
import { decodeHuffman } from './huffman.ts';

/** Bounds of one list of fields. */
export interface FieldBounds {
  /** As SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 §6.5.2). */
  readonly listBytes: number;
  readonly fieldCount: number;
}

/** The fields of one block, pseudo-header fields among them in the order they came. */
export class HeaderBlock {
  readonly fields = new FieldList();
  /** Above its bounds; `fields` holds what came before. */
  tooLarge = false;
  /** What is not valid in it as HTTP (RFC 9113 §8.2.1): malformed, but the table stands. */
  unsound: string | null = null;
  /** The head of a request that was made of it, for the next time that it comes. */
  memo: { readonly head: RequestHead; readonly endStream: boolean } | null = null;
}

/** A number with a prefix may have this many octets after it: 2^28 is beyond every bound. */
const numberOctets = 4;
/** Bounds of what is kept. */
const keptBlocks = 64;
const keptBytes = 1024;

const truncated = new Http2Fault(h2Codes.compressionError, 'a header block that ends within a field');
const badIndex = new Http2Fault(h2Codes.compressionError, 'an index into the header table that is not there');
const badNumber = new Http2Fault(h2Codes.compressionError, 'a number in a header block that is too large');
const badHuffman = new Http2Fault(h2Codes.compressionError, 'a string in a header block that is no Huffman coding');
const badUpdate = new Http2Fault(h2Codes.compressionError, 'a change of the header table that is not allowed');

export class HpackDecoder {
  readonly #bounds: FieldBounds;
  readonly #table = new DynamicTable();
  readonly #kept = new Map<string, HeaderBlock>();
  #keptEdition = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #listBytes = 0;

  constructor(bounds: FieldBounds) {
    this.#bounds = bounds;
  }

  /** Octets that the table holds. */
  get tableBytes(): number {
    return this.#table.bytes;
  }

  /** Reads a whole block. A fault ends the connection, since the table is out of step then (RFC 9113 §4.3). */
  decode(bytes: Buffer): HeaderBlock | Http2Fault {
    if (bytes.length > keptBytes) return this.#read(bytes);
    if (this.#keptEdition !== this.#table.edition) this.#forget();
    const key = bytes.toString('latin1');
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const { edition } = this.#table;
    const block = this.#read(bytes);
    if (block instanceof Http2Fault || this.#table.edition !== edition || startsWithUpdate(bytes)) return block;
    if (this.#kept.size >= keptBlocks) this.#kept.clear();
    this.#kept.set(key, block);
    return block;
  }

  #forget(): void {
    this.#kept.clear();
    this.#keptEdition = this.#table.edition;
  }

  #read(bytes: Buffer): HeaderBlock | Http2Fault {
    this.#bytes = bytes;
    this.#at = 0;
    this.#listBytes = 0;
    const block = new HeaderBlock();
    const fault = this.#readUpdates() ?? this.#readFields(block);
    this.#bytes = noBytes;
    return fault ?? block;
  }

  /** Changes of the table's size come before all fields, at most two of them (RFC 7541 §4.2). */
  #readUpdates(): Http2Fault | null {
    for (let count = 0; this.#at < this.#bytes.length && (this.#bytes[this.#at]! & 0xe0) === 0x20; count++) {
      const size = this.#readNumber(0x1f);
      if (typeof size !== 'number') return size;
      if (size > hpackTableBytes || count === 2) return badUpdate;
      this.#table.resize(size);
    }
    return null;
  }

  #readFields(block: HeaderBlock): Http2Fault | null {
    while (this.#at < this.#bytes.length) {
      const entry = this.#readField(this.#bytes[this.#at]!);
      if (entry instanceof Http2Fault) return entry;
      this.#take(block, entry);
    }
    return null;
  }

  /** RFC 7541 §6. */
  #readField(first: number): HpackEntry | Http2Fault {
    if ((first & 0x80) !== 0) {
      const index = this.#readNumber(0x7f);
      return typeof index === 'number' ? this.#entry(index) : index;
    }
    if ((first & 0x40) !== 0) {
      const entry = this.#readLiteral(0x3f);
      if (!(entry instanceof Http2Fault)) this.#table.add(entry);
      return entry;
    }
    return (first & 0x20) !== 0 ? badUpdate : this.#readLiteral(0x0f);
  }

  #readLiteral(mask: number): HpackEntry | Http2Fault {
    const index = this.#readNumber(mask);
    if (typeof index !== 'number') return index;
    const named = index === 0 ? this.#readString() : this.#entry(index);
    if (named instanceof Http2Fault) return named;
    const value = this.#readString();
    if (value instanceof Http2Fault) return value;
    return hpackEntry(typeof named === 'string' ? named : named.name, value);
  }

  #entry(index: number): HpackEntry | Http2Fault {
    if (index === 0) return badIndex;
    if (index <= staticTable.length) return staticTable[index - 1]!;
    return this.#table.at(index - staticTable.length - 1) ?? badIndex;
  }

  /** Goes on to the end of the block even where it is too large: the table must stay in step. */
  #take(block: HeaderBlock, entry: HpackEntry): void {
    const { name, value } = entry;
    this.#listBytes += entryBytes(name, value);
    if (this.#listBytes > this.#bounds.listBytes || block.fields.length >= this.#bounds.fieldCount) {
      block.tooLarge = true;
      return;
    }
    if (entry.fault !== null) block.unsound ??= entry.fault;
    block.fields.push(name, name, value);
  }

  /** RFC 7541 §5.1. */
  #readNumber(mask: number): number | Http2Fault {
    const prefix = this.#bytes[this.#at++]! & mask;
    if (prefix < mask) return prefix;
    let number = mask;
    for (let shift = 0; shift < numberOctets * 7; shift += 7) {
      if (this.#at >= this.#bytes.length) return truncated;
      const octet = this.#bytes[this.#at++]!;
      number += (octet & 0x7f) << shift;
      if (octet < 0x80) return number;
    }
    return badNumber;
  }

  /** RFC 7541 §5.2. */
  #readString(): string | Http2Fault {
    if (this.#at >= this.#bytes.length) return truncated;
    const isHuffman = this.#bytes[this.#at]! >= 0x80;
    const length = this.#readNumber(0x7f);
    if (typeof length !== 'number') return length;
    const start = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) return truncated;
    if (!isHuffman) return this.#bytes.toString('latin1', start, this.#at);
    return decodeHuffman(this.#bytes, start, this.#at) ?? badHuffman;
  }
}

const noBytes = Buffer.alloc(0);

function startsWithUpdate(bytes: Buffer): boolean {
  return bytes.length > 0 && (bytes[0]! & 0xe0) === 0x20;
}
