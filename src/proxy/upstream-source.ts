// Where an exchange gets its connections from: the pool of the workload, or the endpoints of a peer. Asking for one takes a
// permit, so no path in the code leads there past a decision (style.md habit 11).

import type { Permit } from '../authz/model.ts';
import type { PosternError } from '../errors.ts';
import type { UpstreamLine } from './upstream-line.ts';

/** Hears how a wish for a connection ended, unless it was met at once or cancelled. */
export interface UpstreamWaiter {
  /** It came as a stream of HTTP/2, and goes on as one where the peer speaks that; left out: it did not. */
  readonly isStream?: boolean;
  /** It may become a tunnel, which takes a connection of its own; left out: it does not. */
  readonly isUpgrade?: boolean;
  onUpstreamReady(connection: UpstreamLine): void;
  onUpstreamUnreachable(error: PosternError): void;
}

export interface UpstreamSource {
  readonly openCount: number;
  readonly idleCount: number;
  /** How many endpoints are in each state; null where there is one and no other, or a proxy. */
  readonly endpointStates: Readonly<Record<string, number>> | null;
  /**
   * An idle connection, or null: then `waiter` is told later, or was told already. `repeatable` requests may take any kept
   * connection, since they can be sent again should it prove to be closed.
   */
  take(permit: Permit, waiter: UpstreamWaiter, repeatable: boolean): UpstreamLine | null;
  /** A new connection whatever is idle; `waiter` is told later, or was told already. */
  connect(permit: Permit, waiter: UpstreamWaiter): void;
  /** A safe request of which no byte was answered on `connection` may be sent again, having been so `repeats` times. */
  mayRepeat(connection: UpstreamLine, repeats: number): boolean;
  /** The waiter went away; its connection is closed. */
  cancel(waiter: UpstreamWaiter): void;
  /** Closes what is idle; connections in use end with their exchanges. */
  close(): void;
}
