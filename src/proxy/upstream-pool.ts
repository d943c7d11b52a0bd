// HOT PATH (npm run bench). Kept connections to the workload of one listener. Taking one asks for a permit, so no path
// in the code leads to the workload past a decision (style.md habit 11).

import type { Permit } from '../authz/model.ts';
import type { PosternError } from '../errors.ts';
import type { TimerWheel } from '../lib/timer-wheel.ts';
import type { HeadLimits } from '../wire/head-limits.ts';
import type { DescriptorRoom, IdleHolder } from './descriptor-room.ts';
import type { UpstreamConnectFault, UpstreamCounters } from './proxy-observer.ts';
import {
  ConnectTimeout,
  UpstreamConnection,
  type UpstreamConnectionOptions,
  type UpstreamOwner,
} from './upstream-connection.ts';
import type { UpstreamSource, UpstreamWaiter } from './upstream-source.ts';
import type { UpstreamTarget } from './upstream-target.ts';
import type { UpstreamFault } from './upstream-user.ts';

/** Hears what becomes of the connections of one endpoint. */
export interface UpstreamWatch {
  answered(status: number): void;
  failed(): void;
  /** A connection is idle now, or no more. */
  freed(): void;
}

export interface UpstreamPoolOptions {
  readonly target: UpstreamTarget;
  readonly limits: HeadLimits;
  readonly wheel: TimerWheel;
  readonly connectMs: number;
  readonly responseMs: number;
  readonly counters: UpstreamCounters;
  readonly room: DescriptorRoom;
  /** Left out for the workload: there is no other to turn to. */
  readonly watch?: UpstreamWatch;
  /** Of several pools together; left out: its own. */
  readonly readBuffer?: Buffer;
}

/** Idle connections beyond this are closed: a burst must not hold the workload's descriptors for long. */
const maxIdle = 256;
/** A request that must not be repeated only takes a connection that was used this recently: an older one may be closing. */
const freshEnoughMs = 1_000;
const readBufferBytes = 64 * 1024;

export class UpstreamPool implements UpstreamSource, UpstreamOwner, IdleHolder {
  readonly endpointStates = null;
  readonly #connectionOptions: UpstreamConnectionOptions;
  readonly #counters: UpstreamCounters;
  readonly #wheel: TimerWheel;
  readonly #room: DescriptorRoom;
  readonly #watch: UpstreamWatch | null;
  /** Last in, first out: the rest may age out. */
  readonly #idle: UpstreamConnection[] = [];
  readonly #waiters = new Map<UpstreamConnection, UpstreamWaiter>();
  #open = 0;
  #closed = false;

  constructor(options: UpstreamPoolOptions) {
    const { counters, room, watch = null, readBuffer = newReadBuffer(), ...rest } = options;
    this.#connectionOptions = { ...rest, readBuffer };
    this.#watch = watch;
    this.#counters = counters;
    this.#wheel = options.wheel;
    this.#room = room;
    room.join(this);
  }

  /** Connections in use, or being made. */
  get active(): number {
    return this.#open - this.#idle.length;
  }

  get openCount(): number {
    return this.#open;
  }

  get idleCount(): number {
    return this.#idle.length;
  }

  take(_permit: Permit, waiter: UpstreamWaiter, repeatable: boolean): UpstreamConnection | null {
    const kept = this.takeKept(_permit, repeatable);
    if (kept !== null) return kept;
    this.connect(_permit, waiter);
    return null;
  }

  /** The idle connection used last, or null: of those that must not be repeated, only where it is fresh enough. */
  takeKept(_permit: Permit, repeatable: boolean): UpstreamConnection | null {
    let last = this.#idle.at(-1);
    for (; last?.isOver; last = this.#idle.at(-1)) last.destroy();
    if (last === undefined) return null;
    if (!repeatable && last.idleForMs(this.#wheel.nowMs) > freshEnoughMs) return null;
    this.#idle.pop();
    this.#counters.upstreamReused++;
    return last;
  }

  connect(_permit: Permit, waiter: UpstreamWaiter): void {
    this.#counters.upstreamConnects++;
    this.#opening();
    this.#waiters.set(new UpstreamConnection(this.#connectionOptions, this), waiter);
  }

  /** Once, where a kept connection was at fault (RFC 9112 §9.3.1). */
  mayRepeat(connection: UpstreamConnection, repeats: number): boolean {
    return repeats === 0 && connection.wasKept;
  }

  cancel(waiter: UpstreamWaiter): void {
    for (const [connection, waiting] of this.#waiters) {
      if (waiting !== waiter) continue;
      this.#waiters.delete(connection);
      connection.destroy();
      return;
    }
  }

  /** Over TLS a write is known to be done a turn later than it is, and a quick answer is there before. */
  giveBack(connection: UpstreamConnection): void {
    if (connection.isSending) setImmediate(() => this.#takeBack(connection));
    else this.#takeBack(connection);
  }

  #takeBack(connection: UpstreamConnection): void {
    if (!connection.release()) return;
    if (this.#closed || this.#idle.length >= maxIdle || connection.isOver) connection.destroy();
    else {
      this.#idle.push(connection);
      this.#watch?.freed();
    }
  }

  /** Closes what is idle; connections in use end with their exchanges. */
  close(): void {
    this.#closed = true;
    this.#room.leave(this);
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  dropIdle(): boolean {
    const oldest = this.#idle[0];
    oldest?.destroy();
    return oldest !== undefined;
  }

  onConnected(connection: UpstreamConnection): void {
    const waiter = this.#waiters.get(connection);
    if (waiter === undefined) return connection.destroy();
    this.#waiters.delete(connection);
    waiter.onUpstreamReady(connection);
  }

  onConnectFailed(connection: UpstreamConnection, error: PosternError): void {
    this.#gone();
    this.#counters.upstreamConnectFailures.add(connectFaultOf(error));
    this.#watch?.failed();
    const waiter = this.#waiters.get(connection);
    this.#waiters.delete(connection);
    waiter?.onUpstreamUnreachable(error);
  }

  onAnswered(status: number): void {
    this.#watch?.answered(status);
  }

  /** That a kept connection was closed says nothing: it may have been idle for too long. */
  onFault(connection: UpstreamConnection, fault: UpstreamFault): void {
    if (fault !== 'closed_before_answer' || connection.served === 1) this.#watch?.failed();
  }

  onClosed(connection: UpstreamConnection): void {
    this.#gone();
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #opening(): void {
    this.#open++;
    this.#room.addUpstream();
  }

  #gone(): void {
    this.#open--;
    this.#room.removeUpstream();
    this.#watch?.freed();
  }
}

/** For one process, or for one upstream: a read is consumed before the next begins. */
export function newReadBuffer(bytes = readBufferBytes): Buffer {
  return Buffer.allocUnsafeSlow(bytes);
}

/** How a failure to connect is counted. */
export function connectFaultOf({ code, cause }: PosternError): UpstreamConnectFault {
  if (code === 'ERR_OUTBOUND_DNS') return 'dns';
  if (code === 'ERR_OUTBOUND_HANDSHAKE') return 'handshake';
  if (code === 'ERR_OUTBOUND_IDENTITY') return 'identity';
  if (cause instanceof ConnectTimeout) return 'timeout';
  const found = (cause as NodeJS.ErrnoException | undefined)?.code;
  // A unix socket that is not there is a workload that does not listen.
  return found === 'ECONNREFUSED' || found === 'ENOENT' ? 'refused' : 'other';
}
