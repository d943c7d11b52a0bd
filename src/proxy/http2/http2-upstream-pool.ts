// Connections to a workload or a peer that speaks HTTP/2, shared by the exchanges of one listener: one carries as many streams as the other side
// lets it, and another is made only where none has room (measured: one beats four). Taking a stream asks for a permit.

import type { Permit } from '../../authz/model.ts';
import type { PosternError } from '../../errors.ts';
import type { DescriptorRoom, IdleHolder } from '../descriptor-room.ts';
import type { UpstreamCounters } from '../proxy-observer.ts';
import { connectFaultOf, newReadBuffer, type UpstreamWatch } from '../upstream-pool.ts';
import type { UpstreamSource, UpstreamWaiter } from '../upstream-source.ts';
import { SpeaksHttp1 } from '../upstream-target.ts';
import type { UpstreamFault } from '../upstream-user.ts';
import { FrameScratch } from './frame-writer.ts';
import {
  Http2UpstreamConnection,
  type Http2UpstreamConnectionOptions,
  type Http2UpstreamConnectionOwner,
} from './http2-upstream-connection.ts';
import type { UpstreamStream } from './upstream-stream.ts';

export interface Http2UpstreamPoolOptions extends Omit<Http2UpstreamConnectionOptions, 'readBuffer' | 'scratch'> {
  readonly counters: UpstreamCounters;
  readonly room: DescriptorRoom;
  /** Left out for the workload: there is no other to turn to. */
  readonly watch?: UpstreamWatch;
}

/** Beyond this the workload takes too few streams for what is asked of it. */
const mostConnections = 16;

export class Http2UpstreamPool implements UpstreamSource, Http2UpstreamConnectionOwner, IdleHolder {
  readonly endpointStates = null;
  readonly #options: Http2UpstreamConnectionOptions;
  readonly #counters: UpstreamCounters;
  readonly #room: DescriptorRoom;
  readonly #watch: UpstreamWatch | null;
  readonly #open = new Set<Http2UpstreamConnection>();
  /** Those that take streams, or will. */
  readonly #usable = new Set<Http2UpstreamConnection>();
  readonly #waiters = new Set<UpstreamWaiter>();
  #connecting: Http2UpstreamConnection | null = null;
  #isClosed = false;

  constructor({ counters, room, watch, ...options }: Http2UpstreamPoolOptions) {
    this.#watch = watch ?? null;
    this.#options = { ...options, readBuffer: newReadBuffer(), scratch: new FrameScratch() };
    this.#counters = counters;
    this.#room = room;
    room.join(this);
  }

  get openCount(): number {
    return this.#open.size;
  }

  get idleCount(): number {
    let count = 0;
    for (const connection of this.#open) if (connection.isIdle) count++;
    return count;
  }

  /** Streams under way, and those that wait for a connection. */
  get active(): number {
    let count = this.#waiters.size;
    for (const connection of this.#open) count += connection.streamCount;
    return count;
  }

  take(permit: Permit, waiter: UpstreamWaiter): UpstreamStream | null {
    const kept = this.takeKept(permit);
    if (kept === null) this.connect(permit, waiter);
    return kept;
  }

  /** A stream of a connection that has room, or null. */
  takeKept(_permit: Permit): UpstreamStream | null {
    const connection = this.#withRoom();
    if (connection === null) return null;
    this.#counters.upstreamReused++;
    return connection.take();
  }

  connect(_permit: Permit, waiter: UpstreamWaiter): void {
    this.#waiters.add(waiter);
    this.#connectWhereNeeded();
  }

  /** Once, where the connection may have been closed before it knew of the request. */
  mayRepeat(stream: UpstreamStream, repeats: number): boolean {
    return repeats === 0 && stream.wasKept;
  }

  cancel(waiter: UpstreamWaiter): void {
    this.#waiters.delete(waiter);
  }

  close(): void {
    this.#isClosed = true;
    this.#room.leave(this);
    for (const connection of [...this.#open]) connection.retire();
  }

  dropIdle(): boolean {
    for (const connection of this.#open) {
      if (!connection.isIdle) continue;
      connection.close();
      return true;
    }
    return false;
  }

  onReady(connection: Http2UpstreamConnection): void {
    this.#connecting = null;
    this.#usable.add(connection);
    this.#serveWaiters();
    this.#watch?.freed();
    if (this.#isClosed) connection.retire();
  }

  onUnreachable(_connection: Http2UpstreamConnection, error: PosternError): void {
    this.#connecting = null;
    // Nothing is wrong with one who speaks another version.
    if (!(error.cause instanceof SpeaksHttp1)) {
      this.#counters.upstreamConnectFailures.add(connectFaultOf(error));
      this.#watch?.failed();
    }
    const waiting = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiting) waiter.onUpstreamUnreachable(error);
  }

  onRetired(connection: Http2UpstreamConnection): void {
    this.#usable.delete(connection);
    this.#connectWhereNeeded();
  }

  onClosed(connection: Http2UpstreamConnection): void {
    this.#open.delete(connection);
    this.#room.removeUpstream();
    this.#watch?.freed();
  }

  onFreed(): void {
    if (this.#waiters.size > 0) this.#serveWaiters();
    this.#watch?.freed();
  }

  onAnswered(status: number): void {
    this.#watch?.answered(status);
  }

  /** That a stream was not looked at, or a kept connection closed, says nothing of who answers. */
  onFault(stream: UpstreamStream, fault: UpstreamFault): void {
    if (fault === 'unprocessed' || (fault === 'closed_before_answer' && stream.wasKept)) return;
    this.#watch?.failed();
  }

  #withRoom(): Http2UpstreamConnection | null {
    for (const connection of this.#usable) {
      if (connection.isOver) connection.retire();
      else if (connection.hasRoom) return connection;
    }
    return null;
  }

  #serveWaiters(): void {
    for (const waiter of this.#waiters) {
      const connection = this.#withRoom();
      if (connection === null) break;
      this.#waiters.delete(waiter);
      waiter.onUpstreamReady(connection.take());
    }
    this.#connectWhereNeeded();
  }

  #turnAway(): void {
    const [connection] = this.#usable;
    const error = connection!.error('unreachable', 'takes no more streams on any of its connections');
    for (const waiter of [...this.#waiters]) {
      this.#waiters.delete(waiter);
      waiter.onUpstreamUnreachable(error);
    }
  }

  #connectWhereNeeded(): void {
    if (this.#waiters.size === 0 || this.#connecting !== null) return;
    // One that serves several streams on each connection needs no more; those that ended free some.
    if (this.#usable.size >= mostConnections) return this.#turnAway();
    this.#counters.upstreamConnects++;
    this.#room.addUpstream();
    const connection = new Http2UpstreamConnection(this.#options, this);
    this.#connecting = connection;
    this.#open.add(connection);
  }
}
