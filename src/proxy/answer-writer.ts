// HOT PATH (npm run bench). Writes one answer to the peer. Heads and small bodies gather in one string, so that an
// ordinary answer is one write and one TLS record; large pieces go out as they come.

import { chunkHeader, lastChunk } from '../wire/chunk.ts';
import type { FieldList } from '../wire/field-list.ts';
import { serializeResponseHead, serializeTrailers } from '../wire/forward-head.ts';
import type { BodyFraming, RequestHead, ResponseHead } from '../wire/http1-message.ts';
import { upgradeLines } from '../wire/websocket-handshake.ts';
import { type OwnAnswerForm, type OwnAnswerKind, serializeOwnAnswer } from './own-answer.ts';
import type { PeerAnswer } from './peer-answer.ts';
import type { OctetSink } from './peer-octets.ts';

/** Pieces up to this size are joined to the gathered text; above it the copy costs more than the second write. */
const gatherBytes = 8 * 1024;

export class AnswerWriter implements PeerAnswer {
  readonly needsSwitch = false;
  readonly #sink: OctetSink;
  readonly #added: string;
  readonly #minorVersion: 0 | 1;
  readonly #requestKeepsAlive: boolean;
  #gathered = '';
  #framing: BodyFraming = 'none';
  #nominated: readonly string[] | null = null;
  #status: number | null = null;
  #sent = false;
  #bytes = 0;
  #closes = false;

  /** `head` null: the request could not be read; the answer is our own. */
  constructor(sink: OctetSink, decisionId: string, head: RequestHead | null) {
    this.#sink = sink;
    this.#added = `x-postern-decision-id: ${decisionId}\r\n`;
    this.#minorVersion = head?.minorVersion ?? 1;
    this.#requestKeepsAlive = head?.keepAlive ?? false;
  }

  /** HTTP/1.1 has no word for it. */
  breakOff(): boolean {
    return false;
  }

  /** Something of the answer was sent: it cannot be taken back. */
  get hasBegun(): boolean {
    return this.#sent;
  }

  get status(): number | null {
    return this.#status;
  }

  /** Body bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The connection ends with this answer. */
  get closes(): boolean {
    return this.#closes;
  }

  /** A 1xx; an HTTP/1.0 peer knows none (RFC 9110 §15.2). */
  interim(head: ResponseHead): void {
    if (this.#minorVersion === 0) return;
    this.#sink.writeText(
      serializeResponseHead(head, { added: '', framing: 'none', closeAfter: false, minorVersion: 1 }),
    );
  }

  /** A 101 that confirms what was asked for (RFC 9110 §15.2.2). */
  switching(head: ResponseHead): void {
    this.#status = head.status;
    const added = upgradeLines + this.#added;
    this.#sink.writeText(serializeResponseHead(head, { added, framing: 'none', closeAfter: false, minorVersion: 1 }));
  }

  /** Begins the workload's answer. */
  begin(head: ResponseHead, close: boolean): void {
    this.#status = head.status;
    this.#nominated = head.nominated;
    this.#framing = this.#framingFor(head.framing);
    this.#closes = close || !this.#requestKeepsAlive || this.#framing === 'close';
    this.#gathered = serializeResponseHead(head, {
      added: this.#added,
      framing: this.#framing,
      closeAfter: this.#closes,
      minorVersion: this.#minorVersion,
    });
  }

  /** A view that is valid during the call only; false asks to wait until the peer takes more. */
  body(view: Buffer): boolean {
    this.#bytes += view.length;
    if (view.length === 0) return true;
    const chunked = this.#framing === 'chunked';
    const before = chunked ? chunkHeader(view.length) : '';
    if (view.length + this.#gathered.length <= gatherBytes) {
      this.#gathered += before + view.toString('latin1') + (chunked ? '\r\n' : '');
      return true;
    }
    const text = this.#gathered + before;
    this.#gathered = '';
    this.#sent = true;
    return this.#sink.writeView(text, view, chunked ? '\r\n' : '');
  }

  end(trailers: FieldList | null): void {
    if (this.#framing !== 'chunked') return;
    this.#gathered += lastChunk(trailers === null ? '' : serializeTrailers(trailers, this.#nominated));
  }

  /** Sends what was gathered; false asks to wait until the peer takes more. */
  flush(): boolean {
    if (this.#gathered === '') return true;
    const text = this.#gathered;
    this.#gathered = '';
    this.#sent = true;
    return this.#sink.writeText(text);
  }

  /** Sends an own answer, in place of what was gathered of another. */
  own(kind: OwnAnswerKind, form: OwnAnswerForm, status: number): void {
    this.#status = status;
    this.#gathered = '';
    this.#bytes = 0;
    this.#sent = true;
    this.#sink.writeText(serializeOwnAnswer(kind, form));
  }

  /** A body that ends with the connection is chunked towards a peer who knows that, so that its end is certain. */
  #framingFor(framing: BodyFraming): BodyFraming {
    if (framing === 'close') return this.#minorVersion === 1 ? 'chunked' : 'close';
    if (framing === 'chunked' && this.#minorVersion === 0) return 'close';
    return framing;
  }
}
