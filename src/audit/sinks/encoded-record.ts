// Records as a receiver gets them.

import type { ShipRecord } from './ship-reader.ts';

/** Text, or bytes for a receiver that wants them. */
export type Encoded = string | Buffer;

/** Makes of a record what a receiver gets of it; null for what it gets nothing of. */
export type EncodeForReceiver = (record: ShipRecord['record']) => Encoded | null;

/** A record and its text. */
export interface EncodedRecord<Text extends Encoded = string> {
  readonly source: ShipRecord;
  readonly text: Text;
}

/** The records in an encoding, but for those that it leaves out; `null` is the native one. Seals go natively only. */
export function encodeAll(
  records: readonly ShipRecord[],
  encode: EncodeForReceiver | null,
): readonly EncodedRecord<Encoded>[] {
  const encoded: EncodedRecord<Encoded>[] = [];
  for (const source of records) {
    const text = encode === null ? source.line : encode(source.record);
    if (text !== null) encoded.push({ source, text });
  }
  return encoded;
}
