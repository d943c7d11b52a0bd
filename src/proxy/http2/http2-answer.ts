// HOT PATH (npm run bench -- --only h2). The answer to one exchange as frames of its stream.

import type { FieldList } from '../../wire/field-list.ts';
import type { ResponseHead } from '../../wire/http1-message.ts';
import { h2Codes } from '../../wire/http2/frame-types.ts';
import { answerFields, trailerFields } from '../../wire/http2/http2-answer-fields.ts';
import type { FieldPairs, Http2Stream } from '../../wire/http2/http2-stream.ts';
import { type OwnAnswerForm, type OwnAnswerKind, ownAnswer } from '../own-answer.ts';
import type { PeerAnswer } from '../peer-answer.ts';
import { grpcAnswerFields, grpcStatusFields } from './grpc-answer.ts';

/** What an answer is told of its request. */
export interface AnsweredStream {
  readonly stream: Http2Stream;
  readonly isGrpc: boolean;
  /** What came breaks a rule of RFC 9113: the stream is reset in place of an answer (§8.1.1). */
  readonly isMalformed: boolean;
  /** It asks for WebSocket. */
  readonly isConnect: boolean;
  /** The peer does not take what was written to its connection. */
  readonly isPeerBusy: boolean;
}

const noBytes = Buffer.alloc(0);

export class Http2Answer implements PeerAnswer {
  readonly closes = false;
  readonly #to: AnsweredStream;
  readonly #decisionId: string;
  /** A head that waits for the first of its content, so that an empty answer is one frame. */
  #head: FieldPairs | null = null;
  #nominated: readonly string[] | null = null;
  #bytesLeft = -1;
  #isEnded = false;
  #status: number | null = null;
  #sent = false;
  #bytes = 0;

  constructor(to: AnsweredStream, decisionId: string) {
    this.#to = to;
    this.#decisionId = decisionId;
  }

  get hasBegun(): boolean {
    return this.#sent;
  }

  get needsSwitch(): boolean {
    return this.#to.isConnect;
  }

  get status(): number | null {
    return this.#status;
  }

  get bytes(): number {
    return this.#bytes;
  }

  interim(head: ResponseHead): void {
    this.#to.stream.sendHead(answerFields(head, []), false);
  }

  /** HTTP/2 has no 101 (RFC 9113 §8.6): success is 200, and the key of HTTP/1.1 is not confirmed (RFC 8441 §5). */
  switching(head: ResponseHead): void {
    this.#status = head.status;
    this.#sent = true;
    const pairs = answerFields({ ...head, status: 200 }, ['x-postern-decision-id', this.#decisionId]);
    const fields = pairs.filter((_, at) => pairs[at - (at % 2)] !== 'sec-websocket-accept');
    this.#to.stream.sendHead(fields, false);
  }

  begin(head: ResponseHead): void {
    this.#status = head.status;
    this.#nominated = head.nominated;
    this.#bytesLeft = head.framing === 'length' ? head.contentLength : -1;
    this.#head = answerFields(head, ['x-postern-decision-id', this.#decisionId]);
  }

  body(view: Buffer): boolean {
    const { stream } = this.#to;
    if (view.length === 0) return true;
    this.#bytes += view.length;
    this.#sendHead(false);
    const isLast = this.#bytes === this.#bytesLeft;
    this.#isEnded = isLast;
    return stream.sendData(view, isLast) && !this.#to.isPeerBusy;
  }

  end(trailers: FieldList | null): void {
    const { stream } = this.#to;
    const fields = trailerFields(trailers, this.#nominated);
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (fields !== null) {
      this.#sendHead(false);
      stream.sendTrailers(fields);
    } else if (this.#head === null) stream.sendData(noBytes, true);
  }

  flush(): boolean {
    this.#sendHead(this.#isEnded);
    return this.#to.stream.queuedBytes === 0 && !this.#to.isPeerBusy;
  }

  /**
   * A call of gRPC has its status at the end, whatever came before it. Not where octets wait for room: they would go on to
   * a peer who may have no right to them any more, as slowly as it takes them.
   */
  breakOff(kind: OwnAnswerKind): boolean {
    const { stream, isGrpc } = this.#to;
    if (!isGrpc || this.#isEnded || this.#bytesLeft !== -1 || stream.queuedBytes > 0) return false;
    this.#isEnded = true;
    this.#sendHead(false);
    stream.sendTrailers([...grpcStatusFields(kind), 'x-postern-decision-id', this.#decisionId]);
    return true;
  }

  own(kind: OwnAnswerKind, form: OwnAnswerForm, status: number): void {
    this.#status = status;
    this.#head = null;
    this.#bytes = 0;
    this.#sent = true;
    const { stream, isGrpc, isMalformed } = this.#to;
    if (isMalformed) return stream.reset(h2Codes.protocolError);
    const answer = ownAnswer(kind, form);
    if (isGrpc) return stream.sendHead(grpcAnswerFields(kind, answer), true);
    const hasBody = answer.body !== '' && !form.isHead;
    stream.sendHead([':status', String(answer.status), ...answer.fields], !hasBody);
    if (hasBody) stream.sendData(Buffer.from(answer.body, 'latin1'), true);
  }

  #sendHead(endStream: boolean): void {
    const head = this.#head;
    if (head === null) return;
    this.#head = null;
    this.#sent = true;
    this.#to.stream.sendHead(head, endStream);
  }
}
