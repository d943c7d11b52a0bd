// How Elasticsearch, the Splunk event collector and receivers of NDJSON take many records at once, and how they say which
// they took.

import { asciiJson } from '../record-text.ts';
import { objectOf, parseObject } from '../service-parse.ts';
import type { EncodedRecord } from './encoded-record.ts';
import type { BulkForm } from './http-receiver.ts';
import type { ReceiverAnswer } from './receiver.ts';
import type { ShipRecord } from './ship-reader.ts';

export const bulkFlavours = Object.freeze(['ndjson', 'elastic', 'splunk_hec'] as const);
export type BulkFlavour = (typeof bulkFlavours)[number];

/** What a flavour is. */
export function bulkForm(flavour: BulkFlavour): BulkForm {
  return {
    headers: { 'content-type': flavour === 'splunk_hec' ? 'application/json' : 'application/x-ndjson' },
    body: (group) => bulkBody(flavour, group),
    judge: (answer, count) => judgeAnswer(flavour, answer, count),
  };
}

/** Body of a request. */
function bulkBody(flavour: BulkFlavour, records: readonly EncodedRecord[]): string {
  switch (flavour) {
    case 'ndjson':
      return records.map(({ text }) => `${text}\n`).join('');
    case 'elastic':
      return records.map(({ source, text }) => `{"create":{"_id":"${idOf(source)}"}}\n${text}\n`).join('');
    case 'splunk_hec':
      return records.map(hecEvent).join('\n');
  }
}

/** What an answer to a request of `count` records means. A record is given up only where its content is refused. */
function judgeAnswer(flavour: BulkFlavour, answer: { status: number; body: string }, count: number): ReceiverAnswer {
  const { status, body } = answer;
  if (status === 400 || status === 413 || status === 422) return { kind: 'refused', why: `status ${status}` };
  if (status < 200 || status >= 300) return { kind: 'later', why: `status ${status}` };
  if (flavour !== 'elastic') return { kind: 'taken', again: [], refused: [] };
  return judgeItems(body, count);
}

/** Elasticsearch answers for each record; 409 says that it has it already, by its `_id`. */
function judgeItems(body: string, count: number): ReceiverAnswer {
  const items = parseObject(body)?.['items'];
  if (!Array.isArray(items) || items.length !== count) return { kind: 'later', why: 'an answer that is none of _bulk' };
  const again: number[] = [];
  const refused: number[] = [];
  for (const [index, item] of items.entries()) {
    const status = objectOf(objectOf(item)?.['create'])?.['status'];
    if (typeof status !== 'number' || status === 429 || status >= 500) again.push(index);
    else if (status >= 300 && status !== 409) refused.push(index);
  }
  return { kind: 'taken', again, refused };
}

/** The same record has the same id each time, so that a second delivery changes nothing. */
function idOf({ streamId, seq, isGap }: ShipRecord): string {
  return `${streamId}-${seq}${isGap ? '-gap' : ''}`;
}

function hecEvent({ source, text }: EncodedRecord): string {
  const timeMs = Date.parse(String(source.record['time']));
  const time = Number.isNaN(timeMs) ? '' : `"time":${timeMs / 1000},`;
  const event = text.startsWith('{') ? text : asciiJson(text);
  return `{${time}"source":"postern","sourcetype":"postern:authz","event":${event}}`;
}
