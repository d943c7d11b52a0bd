// What one exchange is carried by on its way to the workload: a connection for itself, or a stream of a shared one.

import type { FieldList } from '../wire/field-list.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import type { BodyTarget } from './gathered-body.ts';
import type { UpstreamTunnelUser, UpstreamUser } from './upstream-user.ts';

export interface UpstreamLine extends BodyTarget {
  /** The same as a connection of octets, which it may become; null where it shares one. */
  readonly octets: OctetLine | null;
  /** Exchanges went before: the workload may have closed it meanwhile. */
  readonly wasKept: boolean;
  /** Gives it to an exchange; `method` frames the answer, and only with `accept` may it be a 101. */
  begin(user: UpstreamUser, method: string, accept: string | null): void;
  /** Sends a head, to a canonical target; `added` are whole lines with CRLF. */
  sendHead(head: RequestHead, target: string, added: string): void;
  /** The request is complete. */
  endRequest(head: RequestHead, trailers: FieldList | null): void;
  /** The caller sent more of the request: the workload's time to answer starts anew. */
  touch(): void;
  /** Stops reading while the caller does not take the answer; the workload owes nothing meanwhile. */
  pauseReading(): void;
  resumeReading(): void;
  /** The exchange on it is complete, on both sides. */
  giveBack(): void;
  /** Ends it at once; its exchange hears nothing more. */
  destroy(): void;
}

/** A connection for one exchange alone, as HTTP/1.1 has it. */
export interface OctetLine extends UpstreamLine {
  /** After a 101 that confirms: from now on octets pass as they are. Gives those that came with it. */
  becomeTunnel(user: UpstreamTunnelUser): Buffer;
  /** The tunnel sends no more; the workload still may. */
  endWriting(): void;
  /** The tunnel is over on both sides: the workload has some time to take what was written last. */
  finish(): void;
}
