// What a listener holds of each who came in, whatever is spoken: it looks at their rights, and ends them.

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ConnectionFacts, OutcomeResult } from '../audit/decision-event.ts';
import type { HeadLimits } from '../wire/head-limits.ts';
import type { Caller } from './caller.ts';
import type { ExchangeServices } from './exchange-services.ts';
import type { ConnectionSide } from './inbound-request.ts';
import type { ConnectionRight } from './peer-right.ts';

/** The socket of somebody who came in. */
export interface PeerSocket {
  /** What is read and written. */
  readonly socket: Socket;
  /** The socket beneath TLS; the same one where there is none. */
  readonly raw: Socket;
}

/** An open connection of somebody who came in. */
export interface PeerConnection {
  readonly side: ConnectionSide;
  readonly facts: ConnectionFacts;
  /** Whether the peer still has the right that it was let in with. */
  readonly right: ConnectionRight;
  /** Why the token of what is open holds no more; null while it does, or where nothing rests on one. */
  readonly tokenEnded: string | null;
  /** It was ended, and its socket has not told yet. */
  readonly isOver: boolean;
  /** Asks policy again about what is open. */
  judgeOpenAgain(): void;
  /** Ends it after what is under way, or now where nothing is. */
  closeWhenIdle(): void;
  /** Ends it at once, because the right ended or time is up. */
  end(detail: string, result?: OutcomeResult): void;
}

/** Who came in, as a connection is told. */
export interface PeerConnectionOptions {
  /** Who holds the connection, as described now. */
  readonly own: Caller;
  /** Who holds it as of now; the same object as long as nothing of that changes. */
  readonly describe: (own: Caller) => Caller;
  readonly right: ConnectionRight;
}

/** What a connection over which HTTP is spoken, in any version, is made with. */
export interface HttpConnectionOptions extends PeerConnectionOptions {
  readonly services: ExchangeServices;
  /** Without TLS where the workload itself calls. */
  readonly socket: Socket;
  readonly sendsDecisionId: boolean;
  readonly peerIp: string | null;
  readonly headLimits: HeadLimits;
  readonly onClosed: (connection: PeerConnection) => void;
}

/**
 * Ends a connection so that the other side cannot take what it has for whole: TCP says RST instead of FIN. Where no TCP is
 * at hand (a unix socket, a TLS connection that Node made), it is closed.
 */
export function resetSocket({ socket, raw }: PeerSocket): void {
  if (socket.destroyed) return;
  if (!(raw instanceof TLSSocket) && raw.remoteAddress !== undefined) raw.resetAndDestroy();
  socket.destroy();
}
