// What the load client is asked and what it answers. One job a process: JSON in, one JSON line out.

/** Where to send, and with which SVID; `tls: null` is plain text, for the direct call that others are compared with. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | null;
}

interface Observed {
  readonly target: Target;
  /** Processes whose CPU time and memory the figures are about. */
  readonly pids: readonly number[];
}

/** Each connection sends its next request when the last one is answered. */
export interface ClosedLoopJob extends Observed {
  readonly kind: 'closed-loop';
  readonly connectionCount: number;
  readonly warmupCount: number;
  readonly requestCount: number;
}

/** HTTP/2: on each connection `streamCount` requests are in flight at all times. */
export interface StreamsJob extends Observed {
  readonly kind: 'streams';
  readonly connectionCount: number;
  readonly streamCount: number;
  /** `call`: a unary call of gRPC. */
  readonly request: 'get' | 'call';
  readonly warmupCount: number;
  readonly requestCount: number;
}

/** Requests leave at fixed times, whatever the answers do. */
export interface ConstantRateJob extends Observed {
  readonly kind: 'constant-rate';
  readonly connectionCount: number;
  readonly ratePerS: number;
  readonly warmupMs: number;
  readonly measureMs: number;
}

/** A new connection for each request. */
export interface HandshakeJob extends Observed {
  readonly kind: 'handshake';
  readonly concurrency: number;
  readonly warmupCount: number;
  readonly requestCount: number;
}

/** One body of many bytes, one way. */
export interface TransferJob extends Observed {
  readonly kind: 'transfer';
  /** Over HTTP/2; else HTTP/1.1. */
  readonly http2?: true;
  readonly direction: 'download' | 'upload';
  readonly warmupBytes: number;
  readonly bytes: number;
}

/** Opens many connections, uses all of them, then closes them and waits. */
export interface HoldJob extends Observed {
  readonly kind: 'hold';
  /** Over HTTP/2, ten requests at once on each; else HTTP/1.1. */
  readonly http2?: true;
  readonly connectionCount: number;
  readonly requestsEach: number;
  /** Time between the last answer and the first close. */
  readonly restMs: number;
  /** Time that a proxy gets to give memory back after the last connection has closed. */
  readonly settleMs: number;
}

export type LoadJob = ClosedLoopJob | StreamsJob | ConstantRateJob | HandshakeJob | TransferJob | HoldJob;

/** Of a closed loop and of handshakes. */
export interface LoopResult {
  readonly requestCount: number;
  readonly seconds: number;
  /** CPU time of the observed processes, microseconds a request. */
  readonly cpuUsPerRequest: number;
  /** Share of the machine's time that its host took away meanwhile. */
  readonly stolenShare: number;
}

/** Latencies are from the time a request was due to its last byte, so a stall counts for all requests it held up. */
export interface RateResult extends LoopResult {
  readonly ratePerS: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p995Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export interface TransferResult {
  readonly bytes: number;
  readonly seconds: number;
  /** 10^6 bytes for each second of CPU time. */
  readonly mbPerCpuSecond: number;
  readonly residentBefore: number;
  readonly residentPeak: number;
  readonly stolenShare: number;
}

/** Resident bytes of the observed processes. */
export interface HoldResult {
  readonly idle: number;
  /** As the last answer came, garbage of the work included. */
  readonly loaded: number;
  /** Every connection open and none used for `restMs`. */
  readonly held: number;
  /** All of them closed for `settleMs`. */
  readonly closed: number;
}
