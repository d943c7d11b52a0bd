// OTLP/HTTP, as an OpenTelemetry collector speaks it: export requests as protobuf or JSON. The answer may reject a part
// without saying which; what was rejected must not be sent again (OTLP 1.x, "Partial Success"), so its number is told.

import { gzipSync } from 'node:zlib';
import { type Rejected, rejectedInProtobuf } from '../encode/otlp-answer.ts';
import { otlpRequest } from '../encode/otlp-protobuf.ts';
import { cleanText } from '../record-text.ts';
import { objectOf, parseObject } from '../service-parse.ts';
import type { PostAnswer } from './bulk-post.ts';
import type { Encoded, EncodedRecord } from './encoded-record.ts';
import type { BulkForm } from './http-receiver.ts';
import type { ReceiverAnswer } from './receiver.ts';
import type { OtlpOptions } from './sink-options.ts';

/** Fast: on logs the higher levels take several times as long for a tenth less. */
const gzipLevel = 1;
const longestReason = 256;
const protobufType = 'application/x-protobuf';

/** Of log records as protobuf. */
export function otlpProtobufForm(compression: OtlpOptions['compression']): BulkForm<Buffer> {
  return formOf(protobufType, compression, (group) =>
    otlpRequest(group.map(({ source: { record }, text: bytes }) => ({ record, bytes }))),
  );
}

/** Of records that the OTLP encoder wrote. */
export function otlpJsonForm(compression: OtlpOptions['compression']): BulkForm {
  return formOf('application/json', compression, (group) => Buffer.from(requestOf(group)));
}

function formOf<Text extends Encoded>(
  type: string,
  compression: OtlpOptions['compression'],
  bytesOf: (group: readonly EncodedRecord<Text>[]) => Buffer,
): BulkForm<Text> {
  const isGzip = compression === 'gzip';
  return {
    headers: { 'content-type': type, ...(isGzip ? { 'content-encoding': 'gzip' } : {}) },
    body: (group) => (isGzip ? gzipSync(bytesOf(group), { level: gzipLevel }) : bytesOf(group)),
    judge: (answer) => judgeAnswer({ ...answer, type: answer.type === '' ? type : answer.type }),
  };
}

/** The records as one request; those of one resource, such as of one stream, under one head. */
function requestOf(group: readonly EncodedRecord[]): string {
  const lists: { readonly head: string; readonly records: string[] }[] = [];
  for (const { text } of group) {
    const { head, record } = partsOf(text);
    const last = lists.at(-1);
    if (last?.head === head) last.records.push(record);
    else lists.push({ head, records: [record] });
  }
  return `${opening}${lists.map(({ head, records }) => `${head}${records.join()}]}]}`).join()}]}`;
}

const opening = '{"resourceLogs":[';
/** No text can hold this: there a quotation mark has a backslash before it. */
const recordsKey = '"logRecords":[';

/** A request of one record, as the encoder writes it, taken apart before and behind that record. */
function partsOf(text: string): { head: string; record: string } {
  const at = text.indexOf(recordsKey) + recordsKey.length;
  return { head: text.slice(opening.length, at), record: text.slice(at, -']}]}]}'.length) };
}

function judgeAnswer({ status, type, bytes }: PostAnswer): ReceiverAnswer {
  if (status === 400 || status === 413 || status === 422) return { kind: 'refused', why: `status ${status}` };
  if (status < 200 || status >= 300) return { kind: 'later', why: `status ${status}` };
  const rejected = type === protobufType ? rejectedInProtobuf(bytes) : rejectedInJson(bytes);
  if (rejected === null) return { kind: 'later', why: 'an answer that is none of OTLP' };
  if (!(rejected.count > 0)) return { kind: 'taken', again: [], refused: [] };
  return {
    kind: 'taken',
    again: [],
    refused: [],
    unnamed: { ...rejected, why: cleanText(rejected.why, longestReason) },
  };
}

function rejectedInJson(bytes: Buffer): Rejected | null {
  if (bytes.length === 0) return { count: 0, why: '' };
  const answer = parseObject(bytes.toString('utf8'));
  if (answer === null) return null;
  const { rejectedLogRecords = 0, errorMessage = '' } = objectOf(answer['partialSuccess']) ?? {};
  const count = Number(rejectedLogRecords);
  return Number.isNaN(count) ? null : { count, why: String(errorMessage) };
}
