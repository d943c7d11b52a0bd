// How calls are spread over the endpoints of one upstream, and when an endpoint is left out for a while.

/** Who gets the next request: each in turn, or whoever has the fewest under way. */
export type Balance = 'round_robin' | 'least_requests';

/** Passive ejection: an endpoint that fails in a row is left out for a while. Times in milliseconds. */
export interface EjectionOptions {
  /** Failures in a row: no connection, no handshake, somebody else, an answer that broke off or never came. Default 3. */
  readonly failures: number;
  /** Answers 502, 503 and 504 in a row; Infinity: they do not count. Default 5. */
  readonly gatewayErrors: number;
  /** Longest first ejection; each later one is up to twice as long. Default 5 s. */
  readonly firstMs: number;
  /** Longest ejection of all. Default 5 min. */
  readonly mostMs: number;
  /** Endpoints that may be out at once, of a hundred; rounded down, so that one alone never is. Default 50. */
  readonly maxPercent: number;
  /** Time in which the share of an endpoint that came back grows to that of the others. Default 10 s. */
  readonly slowStartMs: number;
}

export const ejectionDefaults: EjectionOptions = Object.freeze({
  failures: 3,
  gatewayErrors: 5,
  firstMs: 5_000,
  mostMs: 300_000,
  maxPercent: 50,
  slowStartMs: 10_000,
});

/** What may be under way to all endpoints together (circuit breaker). */
export interface BreakerLimits {
  /** Connections, kept ones too. */
  readonly connections: number;
  /** Requests that wait for a connection. */
  readonly pending: number;
  /** Infinity: the callers are bounded, and each has one. */
  readonly requests: number;
}

/** One place to connect to. */
export interface Place {
  /** As configured: what TLS asks for, and what messages name. */
  readonly host: string;
  readonly port: number;
  /** IP address. */
  readonly address: string;
}

/** As messages and maps name it: `orders.internal:8443 (10.0.0.7)`. */
export function placeName({ host, port, address }: Place): string {
  const name = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return host === address ? name : `${name} (${address})`;
}
