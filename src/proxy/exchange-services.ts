// What an exchange and a connection need of their listener. Settings are one frozen object that a reload replaces: a
// request is served under the settings it began with.

import type { ConnectionFacts, DecisionEvent, OutcomeResult, Recorder } from '../audit/decision-event.ts';
import type { AuthzRequest, Decision, IndeterminateRule, Permit, Principal, TlsFacts } from '../authz/model.ts';
import type { Clock } from '../lib/clock.ts';
import type { RandomIds } from '../lib/random-ids.ts';
import type { TimerWheel } from '../lib/timer-wheel.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import type { DirectReading } from './direct-reading.ts';
import type { BodyBuffers } from './gathered-body.ts';
import type { ListenerOptions } from './inbound-options.ts';
import type { ConnectionSide } from './inbound-request.ts';
import type { OwnAnswerKind } from './own-answer.ts';
import type { PeerAnswer } from './peer-answer.ts';
import type { OctetSink } from './peer-octets.ts';
import type { ProxyObserver } from './proxy-observer.ts';
import type { RouteTable } from './route-table.ts';
import type { TokenGate } from './token-gate.ts';
import type { UpstreamSource } from './upstream-source.ts';

/** Policy as one connection sees it: the plan of its principal, with the guard rails of configuration around. */
export interface ConnectionPlan {
  readonly revision: number;
  readonly cache: 'hit' | 'miss';
  readonly environmentBoundary: 'deny' | 'alarm' | null;
  readonly credentialLifetimeAlarm: boolean;
  decide(request: AuthzRequest): Decision;
}

/** Where plans come from; `revision` rises with every change of policy. */
export interface PlanSource {
  readonly revision: number;
  /** JSON Pointers of what policy reads and no record holds; one frozen list a policy. */
  readonly maskedInputs: readonly string[];
  /** Some rule reads the time, so a decision may change by itself. */
  readonly readsTime: boolean;
  planFor(principal: Principal, tls: TlsFacts): ConnectionPlan;
}

/** Everything of a listener that a reload can replace at once. */
export interface ListenerSettings<Options extends ListenerOptions = ListenerOptions> {
  readonly options: Options;
  readonly routes: RouteTable;
  readonly pool: UpstreamSource;
  /** Lower-case names of headers that are recorded, hashed (`audit.redact.headers`). */
  readonly hashedHeaders: readonly string[];
  readonly outcomes: 'all' | 'errors' | 'off';
  /** The workload may be a gRPC server: such calls are judged by service and method. Left out: no. */
  readonly servesGrpc?: boolean;
  /** Whether an address is one of a load balancer that says from where a connection comes; left out: there are none. */
  readonly isBalancer?: (ip: string) => boolean;
}

/** What is said of verified peers. */
export interface PeerDescriptions {
  /** Another value whenever something of it changes. */
  readonly edition: unknown;
}

export interface ExchangeServices {
  readonly settings: ListenerSettings;
  readonly descriptions: PeerDescriptions;
  readonly recorder: Recorder;
  readonly plans: PlanSource;
  readonly ids: RandomIds;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly observer: ProxyObserver;
  /** Null where no tokens are configured. */
  readonly tokens: TokenGate | null;
  /** Lets a request pass that was denied; only where a listener says `mode: shadow`, and the record says so. */
  readonly shadowPermit: Permit;
  readonly onIndeterminate: (rules: readonly IndeterminateRule[]) => void;
  readonly bodyBuffers: BodyBuffers;
  readonly reading: DirectReading;
  readonly isDraining: boolean;
}

/** What an exchange begins with. `head` null: the request could not be read, and `refusal` says how to answer. */
export interface ExchangeStart {
  readonly event: DecisionEvent;
  readonly head: RequestHead | null;
  /** Canonical path with the query as it came. */
  readonly target: string;
  readonly refusal: OwnAnswerKind | null;
  /** What is wrong with the token, for the caller; left out where the refusal is about something else. */
  readonly code?: string;
}

/** The tunnel that a peer's connection became a part of. */
export interface PeerTunnelUser {
  onPeerBytes(bytes: Buffer): void;
  onPeerDrain(): void;
  /** The peer sends no more, but may still read. */
  onPeerEnd(): void;
  /** Ends it where its upgrade would be denied now. */
  judgeAgain(): void;
  /** The peer's connection is gone, or must go. */
  abort(result: OutcomeResult, detail: string | null): void;
}

/** The connection as an exchange sees it. */
export interface ExchangeHost {
  readonly side: ConnectionSide;
  readonly facts: ConnectionFacts;
  /** Constant lines towards the workload: who the peer is. */
  readonly identityFields: string;
  /** The workload is told the decision id. */
  readonly sendsDecisionId: boolean;
  /** Text form, IPv4-mapped addresses as IPv4; `unix` for a unix socket; null: nobody is told where a request came from. */
  readonly peerIp: string | null;
  readonly plan: ConnectionPlan;
  /** The connection ends after this exchange: drain, age, credential, or the peer's half-close. */
  readonly mustClose: boolean;
  /** Bytes accepted for the peer that the kernel has not taken yet. */
  readonly pendingBytes: number;
  /** The same as a connection of octets, which it may become; null where it shares one. */
  readonly octets: OctetHost | null;
  /** What the answer to this exchange goes through; `head` null: the request could not be read, and the answer is our own. */
  answerTo(decisionId: string, head: RequestHead | null): PeerAnswer;
  /** Lets the parser go on with this request's body, or to its end. */
  resumeRequest(): void;
  pausePeerReading(): void;
  resumePeerReading(): void;
  /** The exchange is over; with `close` the connection ends when everything was sent. */
  onExchangeDone(close: boolean): void;
  /** The answer cannot be completed: cut the connection, so that the peer cannot take it for whole. */
  cut(): void;
}

/** A connection that carries one exchange at a time, as HTTP/1.1 has it. */
export interface OctetHost extends ExchangeHost {
  readonly sink: OctetSink;
  /** After a 101: from now on octets pass as they are. Gives those that the peer sent ahead. */
  becomeTunnel(user: PeerTunnelUser): Buffer;
}
