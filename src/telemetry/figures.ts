// What metrics ask the other parts for at scrape. Counters rise from the start of the process; times are milliseconds
// since the Unix epoch.

import type { FixedHistogram } from './fixed-histogram.ts';

/** What runs. */
export interface BuildFacts {
  readonly version: string;
  readonly nodeVersion: string;
}

/** State of the process as a whole. */
export interface RuntimeFigures {
  readonly ready: boolean;
  readonly draining: boolean;
  readonly configLoadedMs: number;
  readonly reloadsApplied: number;
  readonly reloadsRefused: number;
  /** Processes that serve, and how often one had to be started anew. */
  readonly workers: number;
  readonly workerRestarts: number;
  /** Entries of the timer wheel that wait. */
  readonly pendingDeadlines: number;
}

/** Lines of the operational log that were not written. */
export interface LogFigures {
  readonly suppressed: number;
  readonly dropped: number;
}

export interface PolicyFigures {
  /** `sha256:…`; null when no policy was ever loaded. */
  readonly digest: string | null;
  readonly loadedMs: number | null;
  readonly enforcedRules: number;
  readonly shadowRules: number;
  readonly unusedRules: number;
  readonly lintFindings: Readonly<Record<'error' | 'warning' | 'info', number>>;
  readonly loadFailures: number;
  readonly planCache: { readonly entries: number; readonly hits: number; readonly misses: number };
}

/** The recorder's `stats()` has these; `writeTime` is observed in milliseconds. */
export interface JournalFigures {
  readonly records: number;
  readonly bytes: number;
  readonly failedBatches: number;
  readonly unwritten: number;
  readonly dropped: number;
  readonly stalls: number;
  readonly pooled: boolean;
  readonly pending: number;
  readonly unsealed: number;
  readonly retainedBytes: number;
  readonly syncFailures: number;
  readonly copies: number;
  readonly droppedCopies: number;
}

/** What is shipped to sinks. */
export interface ShippingFigures {
  readonly sinks: readonly {
    readonly sink: string;
    readonly records: number;
    readonly bytes: number;
    readonly retries: number;
    readonly refused: number;
    readonly gaps: number;
    readonly lagRecords: number;
    readonly lagMs: number;
  }[];
  /** How often the thread that ships ended by itself. */
  readonly restarts: number;
}

export interface IdentityFigures {
  /** Null before the first one. */
  readonly svid: { readonly notBeforeMs: number; readonly notAfterMs: number } | null;
  /** Null where whoever writes the files decides. */
  readonly rotationDueMs: number | null;
  /** How long the rotation has been due, milliseconds; 0 while it is not. */
  readonly rotationLagMs: number;
  /** 0 before the first one. */
  readonly lastUpdateMs: number;
  readonly streams: readonly IdentityStreamFigures[];
  readonly rotations: number;
  readonly refusedRotations: number;
  readonly bundles: number;
  /** Rows of the list of revocations in force. */
  readonly revocations: number;
  readonly refusedRevocations: number;
  /** Rows of the registry of identities in force. */
  readonly registered: number;
  readonly refusedRegistries: number;
  /** Bundle endpoints that are asked. */
  readonly federation: readonly FederationFigures[];
  /** Revocation lists of CAs. */
  readonly crls: readonly { readonly size: number; readonly nextUpdateMs: number }[];
  readonly refusedCrls: number;
}

/** One bundle endpoint; its trust domain is a word of the configuration. */
export interface FederationFigures {
  readonly trustDomain: string;
  /** Null before the first one. */
  readonly lastSuccessMs: number | null;
  readonly failures: ReadonlyMap<string, number>;
}

/** One stream of the agent. */
export interface IdentityStreamFigures {
  readonly name: string;
  readonly isUp: boolean;
  readonly failures: ReadonlyMap<string, number>;
}

/** Issuers of tokens, and what was noticed of tokens. */
export interface TokenFigures {
  readonly issuers: readonly {
    readonly issuer: string;
    readonly keys: number;
    /** 0: never. */
    readonly lastUpdateMs: number;
    readonly failures: number;
  }[];
  readonly replays: number;
}

/** Connections of one listener to its workload. */
export interface UpstreamFigures {
  readonly listener: string;
  readonly open: number;
  readonly idle: number;
  /** By state; null for the workload, which is one. */
  readonly endpoints: Readonly<Record<string, number>> | null;
}

/** Where a scrape finds its figures; a source that gives null is left out. */
export interface MetricSources {
  readonly build: BuildFacts;
  runtime(): RuntimeFigures;
  log(): LogFigures;
  policy(): PolicyFigures | null;
  journal(): JournalFigures | null;
  /** Null where this process ships nothing. */
  shipping(): ShippingFigures | null;
  identity(): IdentityFigures | null;
  tokens(): TokenFigures | null;
  upstreams(): readonly UpstreamFigures[];
}

/** Histograms of the process that other parts observe into. */
export interface SharedHistograms {
  /** Milliseconds of one write to the journal. */
  readonly journalWrite: FixedHistogram;
}
