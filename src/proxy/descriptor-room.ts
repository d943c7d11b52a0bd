// How many descriptors traffic may hold, over all listeners, so that some are always left for the journal's next segment,
// for the admin API and for a reload. INVARIANT: a peer that was let in can have its connection to the workload: half of
// the room is for peers, half for connections to the workload, and of those the idle ones give way.

import type net from 'node:net';

/** Descriptors that are not for traffic: the process itself, journal, reload, 64 connections each of admin API and probes. */
const reservedDescriptors = 192;
/** With fewer, Postern is of no use; then descriptors may run out. */
const fewestPeers = 16;

/** Somebody who holds connections that nobody needs just now. */
export interface IdleHolder {
  /** Closes the one unused for longest; false where there is none. */
  dropIdle(): boolean;
}

export class DescriptorRoom {
  /** Most peers at once; `Infinity` where descriptors have no limit. */
  readonly mostPeers: number;
  readonly #holders = new Set<IdleHolder>();
  #peers = 0;
  #upstreams = 0;

  /** `limit`: descriptors that the process may hold. */
  constructor(limit: number) {
    this.mostPeers = Math.max(fewestPeers, Math.floor((limit - reservedDescriptors) / 2));
  }

  get isFull(): boolean {
    return this.#peers >= this.mostPeers;
  }

  /** Counts an accepted socket until it is closed. */
  addPeer(socket: net.Socket): void {
    this.#peers++;
    socket.once('close', () => this.#peers--);
  }

  /** A connection to the workload will be made; where there are too many, an idle one goes. */
  addUpstream(): void {
    this.#upstreams++;
    if (this.#upstreams <= this.mostPeers) return;
    for (const holder of this.#holders) if (holder.dropIdle()) return;
  }

  removeUpstream(): void {
    this.#upstreams--;
  }

  /** From now on `holder` is asked to let go. */
  join(holder: IdleHolder): void {
    this.#holders.add(holder);
  }

  leave(holder: IdleHolder): void {
    this.#holders.delete(holder);
  }
}

/** What it takes to let in as many peers as `connections` allow. */
export function descriptorsFor(connections: number): number {
  return 2 * connections + reservedDescriptors;
}
