// What is judged and what comes of it (policy.md 1.2, 1.6). Types and fixed shapes only.

/** Stands for an attribute that was sent with another type than the schema declares; it evaluates to unknown. */
export const MISTYPED: unique symbol = Symbol('mistyped');

/** A value, missing, or of the wrong type. */
export type Attribute<T> = T | undefined | typeof MISTYPED;

/** Who asks. One frozen object per verified identity; the plan cache is keyed by what is in it. */
export interface Principal {
  readonly id: string;
  readonly type: string;
  readonly spiffeId: Attribute<string>;
  readonly trustDomain: Attribute<string>;
  readonly path: Attribute<string>;
  readonly namespace: Attribute<string>;
  readonly serviceAccount: Attribute<string>;
  readonly environment: Attribute<string>;
  readonly attestation: Attribute<string>;
  readonly issuer: Attribute<string>;
  readonly authn: 'mtls' | 'jwt' | 'none';
  readonly labels: ReadonlyMap<string, unknown>;
  readonly claims: ReadonlyMap<string, unknown>;
  /** The verified token that came with the request, alone or beside a certificate. */
  readonly token?: PrincipalToken;
}

/** Who a token stands for. Where it came alone, the principal is made of it. */
export interface PrincipalToken {
  readonly issuer: Attribute<string>;
  readonly subject: Attribute<string>;
  readonly spiffeId: Attribute<string>;
  readonly type: Attribute<string>;
  /** Who acts for the subject, who acts now first. */
  readonly actors: Attribute<readonly string[]>;
  /** Another peer has shown it too. */
  readonly replayed: Attribute<boolean>;
}

/** From the socket, never from a header. */
export interface NetworkFacts {
  readonly sourceIp: Attribute<string>;
  readonly sourcePort: Attribute<number>;
  readonly destinationIp: Attribute<string>;
  readonly destinationPort: Attribute<number>;
  readonly isInternal: Attribute<boolean>;
  readonly direction: 'inbound' | 'outbound';
}

/** From the handshake. */
export interface TlsFacts {
  readonly version: Attribute<string>;
  readonly cipher: Attribute<string>;
  readonly sni: Attribute<string>;
  readonly alpn: Attribute<string>;
  readonly peerSerial: Attribute<string>;
  readonly peerNotBeforeMs: Attribute<number>;
  readonly peerNotAfterMs: Attribute<number>;
  readonly peerFingerprintSha256: Attribute<string>;
}

/** What is asked for. A request is allowed when every name in `required` is allowed by one of its aliases. */
export interface Action {
  readonly name: string;
  /** Names that mean the same action (`read`, `http:GET`); a rule matches if it lists any of them. */
  readonly names: readonly string[];
  readonly protocol: 'http' | 'grpc' | 'tcp' | 'api';
  readonly properties: ReadonlyMap<string, unknown>;
}

/** What is reached. */
export interface Resource {
  readonly type: string;
  readonly name: Attribute<string>;
  readonly id: Attribute<string>;
  readonly namespace: Attribute<string>;
  readonly environment: Attribute<string>;
  readonly host: Attribute<string>;
  readonly port: Attribute<number>;
  readonly path: Attribute<string>;
  readonly route: Attribute<string>;
  readonly service: Attribute<string>;
  readonly method: Attribute<string>;
  readonly topic: Attribute<string>;
  readonly owner: Attribute<string>;
  readonly labels: ReadonlyMap<string, unknown>;
}

/** The HTTP side of a request; headers and query are read only when a condition asks. */
export interface HttpFacts {
  readonly method: Attribute<string>;
  /** Value of a header by lower-case name; several values are joined with `, `. */
  header(name: string): Attribute<string>;
  /** Value of a query parameter, percent-decoded; missing if it appears more than once or does not decode. */
  query(name: string): Attribute<string>;
}

/** One question. */
export interface AuthzRequest {
  readonly principal: Principal;
  /** One action, or several that must all be allowed (opaque TCP, or a listener that says so). */
  readonly actions: readonly Action[];
  readonly resource: Resource;
  readonly network: NetworkFacts;
  readonly tls: TlsFacts;
  readonly timeMs: number;
  readonly requestId: Attribute<string>;
  readonly http: HttpFacts;
  readonly grpcService: Attribute<string>;
  readonly grpcMethod: Attribute<string>;
  readonly context: ReadonlyMap<string, unknown>;
}

/** Closed list (records.md). */
export type ReasonCode =
  | 'rule'
  | 'rule_indeterminate'
  | 'default'
  | 'no_policy'
  | 'policy_unavailable'
  | 'authn_failed'
  | 'credential_too_long'
  | 'obligation_unsupported'
  | 'bad_request_target'
  | 'bad_request'
  | 'engine_error'
  | 'reauth_revoked';

export interface PolicyRef {
  readonly name: string;
  readonly mode: 'enforce' | 'shadow';
}

export interface RuleRef {
  readonly policy: string;
  readonly name: string;
  readonly effect: 'allow' | 'deny';
  readonly priority: number;
}

export interface IndeterminateRule {
  readonly policy: string;
  readonly rule: string;
  readonly attributes: readonly string[];
}

export interface ShadowDecision {
  readonly decision: 'allow' | 'deny';
  readonly policy: string | null;
  readonly rule: string | null;
  readonly wouldChange: boolean;
}

export interface Obligations {
  /** Smallest `credential.ttl` of the winning allows, seconds. */
  readonly credentialTtlS: number;
}

declare const permitBrand: unique symbol;
/** Proof that an allow was made. Only the engine makes one; whoever opens a way to the workload asks for one. */
export interface Permit {
  readonly [permitBrand]: true;
}

interface DecisionCommon {
  readonly reason: ReasonCode;
  readonly policy: PolicyRef | null;
  readonly rule: RuleRef | null;
  /** Winners and other fired rules, at most 16. */
  readonly matched: readonly RuleRef[];
  readonly overrode: readonly RuleRef[];
  readonly indeterminate: readonly IndeterminateRule[];
  readonly shadow: ShadowDecision | null;
  readonly obligations: Obligations | null;
  /** SHA-256 over the loaded policies, `sha256:…`; empty when none was ever loaded. */
  readonly bundleDigest: string;
}

/**
 * An answer. Frozen; the engine interns decisions, so that the same outcome of the same plan is the same object and a
 * recorder may cache what it encodes by object identity.
 */
export type Decision =
  | (DecisionCommon & { readonly effect: 'allow'; readonly permit: Permit })
  | (DecisionCommon & { readonly effect: 'deny'; readonly permit: null });

/** The policy as seen by one principal: rules that can still apply, principal-only conditions folded away. */
export interface Plan {
  /** Equal to `Authorizer.revision` as long as the plan is current. */
  readonly revision: number;
  readonly cache: 'hit' | 'miss';
  /** Never throws: an internal fault is a deny with reason `engine_error`. */
  decide(request: AuthzRequest): Decision;
}

/** Synchronous: policy is in memory. */
export interface Authorizer {
  /** Rises with each change of policy. */
  readonly revision: number;
  planFor(principal: Principal): Plan;
}
