// The answer to one exchange as the peer gets it, whatever protocol it speaks.

import type { FieldList } from '../wire/field-list.ts';
import type { ResponseHead } from '../wire/http1-message.ts';
import type { OwnAnswerForm, OwnAnswerKind } from './own-answer.ts';

export interface PeerAnswer {
  /** Something of it was sent: it cannot be taken back. */
  readonly hasBegun: boolean;
  readonly status: number | null;
  /** Body bytes so far. */
  readonly bytes: number;
  /** Success is an open tunnel to the peer, so that nothing but a 101 of the workload may be one (RFC 8441 §4). */
  readonly needsSwitch: boolean;
  /** The connection ends with this answer. */
  readonly closes: boolean;
  /** A 1xx. */
  interim(head: ResponseHead): void;
  /** A 101 that confirms what was asked for (RFC 9110 §15.2.2). */
  switching(head: ResponseHead): void;
  /** Begins the workload's answer. */
  begin(head: ResponseHead, close: boolean): void;
  /** A view that is valid during the call only; false asks to wait until the peer takes more. */
  body(view: Buffer): boolean;
  end(trailers: FieldList | null): void;
  /** Sends what was gathered; false asks to wait until the peer takes more. */
  flush(): boolean;
  /** Ends an answer that has begun and will not be whole, and says why; false where only a cut tells that. */
  breakOff(kind: OwnAnswerKind): boolean;
  /** Sends an own answer, in place of what was gathered of another. */
  own(kind: OwnAnswerKind, form: OwnAnswerForm, status: number): void;
}
