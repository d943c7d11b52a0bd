// The encoders by name. Each is pure: a parsed record in, a line without its end out, null for what the format leaves out.

import { encodeCef } from './cef.ts';
import { encodeEcs } from './ecs.ts';
import type { RecordMembers } from './field-tree.ts';
import { encodeOcsf } from './ocsf.ts';
import { encodeOtlp } from './otlp.ts';
import { encodeRfc5424 } from './rfc5424.ts';

/** Names of the encodings besides `native`. */
export const encodingNames = Object.freeze(['ecs', 'ocsf', 'cef', 'rfc5424', 'otlp'] as const);

export type EncodingName = (typeof encodingNames)[number];

/** One record in one encoding. Throws nothing, whatever the record holds. */
export type EncodeRecord = (record: RecordMembers) => string | null;

/** The encoder of each name. */
export const encoders: Readonly<Record<EncodingName, EncodeRecord>> = Object.freeze({
  ecs: encodeEcs,
  ocsf: encodeOcsf,
  cef: encodeCef,
  rfc5424: encodeRfc5424,
  otlp: encodeOtlp,
});
