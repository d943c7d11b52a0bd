// HOT PATH (npm run bench). What one listener counts: plain numbers that a scrape copies. Its methods are those of the
// proxy's observer, so that a request never calls a metrics library.

import { FixedHistogram } from './fixed-histogram.ts';
import { LabelCounts } from './label-counts.ts';
import { durationBounds, shortWorkBounds } from './metric-catalog.ts';

const msPerSecond = 1_000;

/** Counts the events of one listener. */
export class ListenerCounters {
  connectionsOpen = 0;
  connectionsAccepted = 0;
  plaintextConnections = 0;
  requests = 0;
  requestsInFlight = 0;
  requestBodyBytes = 0;
  responseBodyBytes = 0;
  retries = 0;
  credentialLifetimeAlarms = 0;
  shadowChanges = 0;
  tunnelsOpen = 0;
  tunnelBytesIn = 0;
  tunnelBytesOut = 0;
  relaysOpen = 0;
  relayBytesIn = 0;
  relayBytesOut = 0;
  upstreamConnects = 0;
  upstreamReused = 0;
  nameFailures = 0;
  readonly upstreamRetries = new LabelCounts(['not_connected', 'no_answer', 'over_budget']);
  readonly ejections = new LabelCounts(['failure', 'gateway_error']);
  /** By first digit of the status; 0 is `none`. */
  readonly responseClasses = new Float64Array(6);
  readonly refusals = new LabelCounts(['connection_limit', 'descriptor_limit']);
  /** Keyed `RESULT REASON`. */
  readonly handshakes = new LabelCounts([
    'accepted none',
    'aborted peer_left',
    'dropped too_many_handshakes',
    'timeout handshake_timeout',
    'refused no_certificate',
    'refused proxy_header_invalid',
    'refused untrusted_issuer',
    'refused certificate_expired',
  ]);
  readonly upstreamConnectFailures = new LabelCounts(['refused', 'timeout', 'other']);
  readonly tokens = new LabelCounts(['accepted']);
  readonly allows = new LabelCounts(['rule']);
  readonly denies = new LabelCounts(['rule', 'default', 'rule_indeterminate', 'engine_error']);
  readonly boundary = new LabelCounts(['deny', 'alarm']);
  /** Keyed `STATUS REASON`. */
  readonly ownAnswers = new LabelCounts();
  readonly wireErrors = new LabelCounts();
  readonly limitsMet = new LabelCounts();
  readonly tunnelEnds = new LabelCounts([
    'answered',
    'client_aborted',
    'upstream_failed',
    'limit',
    'drained',
    'revoked',
  ]);
  readonly relayEnds = new LabelCounts([
    'closed',
    'client_aborted',
    'upstream_unreachable',
    'upstream_failed',
    'revoked',
  ]);
  readonly handshakeTime = new FixedHistogram(durationBounds, msPerSecond);
  readonly requestTime = new FixedHistogram(durationBounds, msPerSecond);
  readonly upstreamTime = new FixedHistogram(durationBounds, msPerSecond);
  readonly decisionTime = new FixedHistogram(shortWorkBounds, msPerSecond);

  connectionOpened(): void {
    this.connectionsOpen++;
    this.connectionsAccepted++;
  }

  connectionClosed(): void {
    this.connectionsOpen--;
  }

  connectionRefused(reason: string): void {
    this.refusals.add(reason);
  }

  /** `reason` is of a closed list for each result. */
  handshakeEnded(result: string, reason: string): void {
    this.handshakes.add(`${result} ${reason}`);
  }

  /** The token of a request: `accepted`, or a cause of the closed list. */
  tokenJudged(result: string): void {
    this.tokens.add(result);
  }

  handshakeDone(ms: number): void {
    this.handshakeTime.observe(ms);
  }

  plaintextOpened(): void {
    this.plaintextConnections++;
  }

  requestBegun(): void {
    this.requests++;
    this.requestsInFlight++;
  }

  requestEnded(
    status: number,
    durationMs: number,
    bytes: { readonly request: number; readonly response: number },
  ): void {
    this.requestsInFlight--;
    this.requestTime.observe(durationMs);
    this.requestBodyBytes += bytes.request;
    this.responseBodyBytes += bytes.response;
    const first = (status / 100) | 0;
    this.responseClasses[first > 0 && first < 6 ? first : 0]!++;
  }

  decided(effect: 'allow' | 'deny', reason: string, evalMs: number): void {
    if (effect === 'allow') this.allows.add(reason);
    else this.denies.add(reason);
    this.decisionTime.observe(evalMs);
  }

  boundaryCrossed(effect: string): void {
    this.boundary.add(effect);
  }

  credentialLifetimeAlarm(): void {
    this.credentialLifetimeAlarms++;
  }

  shadowWouldChange(): void {
    this.shadowChanges++;
  }

  ownAnswer(kind: string, status: number): void {
    this.ownAnswers.add(`${status} ${kind}`);
  }

  wireError(code: string): void {
    this.wireErrors.add(code);
  }

  limitMet(limit: string): void {
    this.limitsMet.add(limit);
  }

  retried(): void {
    this.retries++;
  }

  tunnelOpened(): void {
    this.tunnelsOpen++;
  }

  /** `result` is of the closed list of outcomes. */
  tunnelClosed(result: string): void {
    this.tunnelsOpen--;
    this.tunnelEnds.add(result);
  }

  tunnelBytes(direction: 'in' | 'out', bytes: number): void {
    if (direction === 'in') this.tunnelBytesIn += bytes;
    else this.tunnelBytesOut += bytes;
  }

  relayOpened(): void {
    this.relaysOpen++;
  }

  /** `result` is of the closed list of outcomes. */
  relayEnded(result: string, wasOpen: boolean): void {
    if (wasOpen) this.relaysOpen--;
    this.relayEnds.add(result);
  }

  relayBytes(direction: 'in' | 'out', bytes: number): void {
    if (direction === 'in') this.relayBytesIn += bytes;
    else this.relayBytesOut += bytes;
  }

  /** The first byte of the workload's answer is here. */
  upstreamAnswered(ms: number): void {
    this.upstreamTime.observe(ms);
  }
}
