// Records as a receiver gets them.

import type { EncodeRecord } from '../encode/encoders.ts';
import type { ShipRecord } from './ship-reader.ts';

/** Records and their texts; those that the encoding leaves out are not among them. */
export interface EncodedRecord {
  readonly source: ShipRecord;
  readonly text: string;
}

/** The records in an encoding; `null` is the native one. Seals go natively only. */
export function encodeAll(records: readonly ShipRecord[], encode: EncodeRecord | null): readonly EncodedRecord[] {
  const encoded: EncodedRecord[] = [];
  for (const source of records) {
    const text = encode === null ? source.line : encode(source.record);
    if (text !== null) encoded.push({ source, text });
  }
  return encoded;
}
