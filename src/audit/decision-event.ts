// What the proxy tells the journal about a decision and about its end. Types only; records.md is the contract.

import type { AuthzRequest, Decision, NetworkFacts, ReasonCode } from '../authz/model.ts';
import type { PosternError } from '../errors.ts';

/** Facts of a connection that stand in each of its records. One frozen object per connection: encoders cache by it. */
export interface ConnectionFacts {
  readonly connectionId: string;
  readonly listener: string;
  readonly credential: CredentialFacts;
  /** Of the token that came with the request, alone or beside a certificate. */
  readonly token?: TokenFacts;
  /** `tls.resumed` */
  readonly resumed: boolean;
}

/** What of the credential may be known; never the credential. */
export interface CredentialFacts {
  readonly type: 'x509-svid' | 'jwt-svid' | 'jwt' | 'none';
  readonly serial: string | null;
  readonly notBeforeMs: number | null;
  readonly notAfterMs: number | null;
  readonly fingerprintSha256: string | null;
}

/** What of a token may be known besides whom it names; never the token. */
export interface TokenFacts {
  /** SHA-256 of its `jti`, hex; null where it has none. */
  readonly jtiSha256: string | null;
  readonly audience: readonly string[];
  readonly notAfterMs: number;
}

export interface Correlation {
  readonly requestId: string;
  readonly requestIdSource: 'client' | 'generated';
  /** Lower-case hexadecimal digits, made here or checked; written without an escape. */
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: string;
}

/** One decision about a request. */
export interface DecisionEvent {
  readonly decisionId: string;
  /** Microseconds since the Unix epoch. */
  readonly timeUs: number;
  readonly decision: Decision;
  /** False where the listener only watches (`mode: shadow`): the request passes whatever was decided. */
  readonly enforced: boolean;
  /** What is sent back when Postern answers itself, else null. */
  readonly status: number | null;
  readonly request: AuthzRequest;
  readonly connection: ConnectionFacts;
  readonly correlation: Correlation;
  /** Canonical path, or route template where `redact.path: template`; null where there is none. */
  readonly path: string | null;
  readonly route: string | null;
  readonly host: string | null;
  readonly method: string | null;
  /** The request asks for another protocol, and with an allow and the workload's 101 becomes a tunnel. */
  readonly upgrade: 'websocket' | null;
  readonly evalNs: number;
  readonly planCache: 'hit' | 'miss';
  /** Set when the environment boundary took part. */
  readonly environmentBoundary: 'deny' | 'alarm' | null;
  /** Set when the credential lives longer than `max_credential_lifetime` allows and that only alarms. */
  readonly credentialLifetimeAlarm: boolean;
  /** Headers that configuration lists, hashed by the caller of this; null if none. */
  readonly headerHashes: Readonly<Record<string, string>> | null;
  /**
   * JSON Pointers of inputs that the policy reads and the record never holds, such as `/http/headers/x-tenant`,
   * `/http/query/page`, `/principal/claims/team`. One frozen list per policy: the encoder writes them to `masked`.
   */
  readonly maskedInputs?: readonly string[];
  /** Why the token of the request was refused, or that it has none. */
  readonly authnFailure?: AuthnFailure;
}

/** What was wrong with a credential. */
export interface AuthnFailure {
  /** Closed code of the cause, such as `expired`. */
  readonly cause: string;
  /** One line for the operator. */
  readonly detail: string;
  /** The identity that was shown, unverified; null if none. */
  readonly shown: string | null;
}

/** A peer that was refused before there was a request (handshake, SVID). */
export interface AuthnFailedEvent {
  readonly decisionId: string;
  readonly timeUs: number;
  readonly reason: Extract<ReasonCode, 'authn_failed' | 'reauth_revoked'>;
  /** Closed code of the cause, such as `certificate_expired`. */
  readonly cause: string;
  /** One line for the operator: what was expected and what was shown. */
  readonly detail: string;
  /** The SPIFFE ID or subject that was shown, unverified; null if none. */
  readonly shown: string | null;
  readonly connection: ConnectionFacts;
  readonly direction: NetworkFacts['direction'];
  readonly sourceIp: string | null;
  readonly sourcePort: number | null;
  readonly destinationIp: string | null;
  readonly destinationPort: number | null;
  readonly sni: string | null;
}

/** How a request ended. */
export type OutcomeResult =
  | 'answered'
  /** An opaque connection: both sides said all they had to say. */
  | 'closed'
  | 'client_aborted'
  | 'upstream_unreachable'
  | 'upstream_failed'
  | 'upstream_timeout'
  | 'limit'
  | 'record_failed'
  | 'drained'
  | 'revoked';

export interface OutcomeEvent {
  readonly decisionId: string;
  readonly timeUs: number;
  readonly result: OutcomeResult;
  readonly status: number | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationUs: number;
  readonly connectionId: string;
  readonly traceId: string;
  readonly requestId: string;
  /** Closed code of what the workload, or the peer that was called, did wrong; else null. */
  readonly code: string | null;
  /** Operator's line when the result is a failure. */
  readonly detail: string | null;
}

/** Waits for a record to be handed to the kernel. Exactly one of the two is called, once, never synchronously. */
export interface RecordWaiter {
  recorded(): void;
  recordFailed(error: PosternError): void;
}

/** What the proxy sees of the audit part. */
export interface Recorder {
  decision(event: DecisionEvent, waiter: RecordWaiter): void;
  /** Denies before there was a request; nothing waits for them. */
  authnFailed(event: AuthnFailedEvent): void;
  outcome(event: OutcomeEvent): void;
}
