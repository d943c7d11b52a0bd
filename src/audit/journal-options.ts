// What the journal and its records can be told. Sizes in bytes, times in milliseconds.

/** When bytes go from the kernel to the disk. */
export type FsyncOption =
  | { readonly kind: 'always' }
  | { readonly kind: 'interval'; readonly intervalMs: number }
  | { readonly kind: 'off' };

/** Who decided; stands in each record. */
export interface ProxyFacts {
  readonly instance: string;
  /** The sidecar's own SPIFFE ID, if it has one at start. */
  readonly workloadId: string | null;
  readonly node: string | null;
  readonly pod: string | null;
  readonly version: string;
}

export interface JournalOptions {
  /** Folder of the journal; null for `journal: off`, which needs `stdout: native`. */
  readonly dir: string | null;
  /** Size at which a segment is ended. Default 64 MiB. */
  readonly segmentBytes: number;
  /** Room for all segments of the folder. Default 1 GiB. */
  readonly keepBytes: number;
  /** What happens when `keepBytes` is used up by segments that a sink has not taken yet. Default `deny`. */
  readonly whenFull: 'deny' | 'drop_oldest';
  /** Default: every second. */
  readonly fsync: FsyncOption;
  /** Records on standard output: copies beside a journal, the records themselves without one. Default `native`. */
  readonly stdout: 'off' | 'native';
  /** Default `full`; `template` records the route template in place of the path. */
  readonly redactPath: 'full' | 'template';
  /** Which ends of requests are recorded. Default `errors`. */
  readonly outcomes: 'all' | 'errors' | 'off';
  readonly proxy: ProxyFacts;
}

/** All but who we are. */
export const journalDefaults: Omit<JournalOptions, 'proxy'> = Object.freeze({
  dir: '/var/lib/postern/journal',
  segmentBytes: 64 * 1024 * 1024,
  keepBytes: 1024 * 1024 * 1024,
  whenFull: 'deny',
  fsync: Object.freeze({ kind: 'interval', intervalMs: 1_000 }),
  stdout: 'native',
  redactPath: 'full',
  outcomes: 'errors',
});
