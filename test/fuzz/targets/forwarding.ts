// Messages as the proxy writes them, made by its own writers from what its parsers reported.

import type { DecisionEvent } from '../../../src/audit/decision-event.ts';
import { RandomIds } from '../../../src/lib/random-ids.ts';
import { acceptedPath } from '../../../src/proxy/accepted-path.ts';
import { AnswerWriter } from '../../../src/proxy/answer-writer.ts';
import { correlate } from '../../../src/proxy/correlation.ts';
import type { ExchangeHost } from '../../../src/proxy/exchange-services.ts';
import { forwardedFields } from '../../../src/proxy/forwarded-fields.ts';
import type { OctetSink } from '../../../src/proxy/peer-octets.ts';
import { chunkHeader, lastChunk } from '../../../src/wire/chunk.ts';
import { FieldList } from '../../../src/wire/field-list.ts';
import { serializeRequestHead, serializeTrailers } from '../../../src/wire/forward-head.ts';
import type { RequestHead, ResponseHead } from '../../../src/wire/http1-message.ts';
import { octets, type WireEvent } from '../../wire/recorded-events.ts';

/** The lines by which Postern speaks to the workload, and to the peer. */
export const linesToWorkload: readonly string[] = [
  'x-forwarded-client-cert: By=spiffe://a/b;Hash=00;URI=spiffe://a/c',
  'x-postern-peer: spiffe://a/c',
  'x-postern-decision-id: 0199',
];
export const linesToPeer: readonly string[] = ['x-postern-decision-id: 0199'];

const ids = new RandomIds();

/** Only what is looked at for the head. */
function hostOf(peerIp: string): ExchangeHost {
  const side = { tls: { version: 'TLSv1.3' } } as ExchangeHost['side'];
  const host: Pick<ExchangeHost, 'identityFields' | 'sendsDecisionId' | 'peerIp' | 'side'> = {
    identityFields: `${linesToWorkload.slice(0, 2).join('\r\n')}\r\n`,
    sendsDecisionId: true,
    peerIp,
    side,
  };
  return host as ExchangeHost;
}

function sinkInto(written: string[]): OctetSink {
  return {
    writeText: (text) => written.push(text) > 0,
    writeView: (before, view, after) => written.push(before + view.toString('latin1') + after) > 0,
    end: () => {},
  };
}

/** The head for the workload; null where the path has no safe form. */
export function forwardedHead(head: RequestHead, peerIp: string): string | null {
  const path = acceptedPath(head.rawPath, { pathNormalization: 'canonicalize', pathParameters: 'pass' });
  if (path === null) return null;
  const correlation = correlate(head.fields, '0199', ids);
  const event = { decisionId: '0199', correlation } as DecisionEvent;
  return serializeRequestHead(head, path + head.query, forwardedFields(hostOf(peerIp), head, event));
}

/** The body in the framing of its head, with its end. */
export function forwardedBody(head: RequestHead, body: string, trailers: readonly string[]): string {
  if (head.framing !== 'chunked') return body;
  const data = body === '' ? '' : `${chunkHeader(body.length)}${body}\r\n`;
  return data + lastChunk(serializeTrailers(listOf(trailers), head.nominated));
}

/** Field lines as the parser hands them on. */
function listOf(lines: readonly string[]): FieldList {
  const list = new FieldList();
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':'));
    list.push(name, name.toLowerCase(), line.slice(name.length + 2));
  }
  return list;
}

/** What a peer gets of an answer; `request` is the head it answers to. */
export function forwardedAnswer(events: readonly WireEvent<ResponseHead>[], request: RequestHead): string {
  const written: string[] = [];
  const writer = new AnswerWriter(sinkInto(written), '0199', request);
  for (const event of events) {
    if (event.kind === 'interim') writer.interim(event.head);
    else if (event.kind === 'head') writer.begin(event.head, false);
    else if (event.kind === 'body') writer.body(octets(event.text));
    else if (event.kind === 'end') {
      writer.end(event.trailers === null ? null : listOf(event.trailers));
      break;
    }
  }
  writer.flush();
  return written.join('');
}
