// What the sidecar and the thread that ships tell each other.

import type { ClientIdentity, SinkOptions } from './sink-options.ts';

/** What the thread is started with. */
export interface ShipOrder {
  /** Folder of the journal. */
  readonly dir: string;
  readonly sinks: readonly SinkOptions[];
  readonly identity: ClientIdentity;
}

export type ToShipping =
  | { readonly kind: 'identity'; readonly identity: ClientIdentity }
  /** Say how far each sink is. */
  | { readonly kind: 'figures' }
  /** Deliver what is there, then end. */
  | { readonly kind: 'finish' };

export type FromShipping =
  | { readonly kind: 'figures'; readonly sinks: readonly SinkFigures[] }
  /** Something of a sink does not work, and is tried again. */
  | { readonly kind: 'trouble'; readonly sink: string; readonly why: string };

/** One sink, since the start of the thread. */
export interface SinkFigures {
  readonly sink: string;
  readonly records: number;
  readonly bytes: number;
  readonly retries: number;
  /** Records that the receiver refused. */
  readonly refused: number;
  /** `gap` records of our own making that were delivered. */
  readonly gaps: number;
  /** Records that wait. */
  readonly lagRecords: number;
  /** Age of the oldest one that waits. */
  readonly lagMs: number;
}
