// What the sidecar knows of itself: it fills the namespace and environment of each resource that does not say otherwise
// (policy.md, line 10), so that a policy never compares with a missing attribute by accident.

/** Drawn from the own SVID by the same attribute rules that are used for peers. */
export interface OwnIdentity {
  readonly spiffeId: string;
  readonly namespace: string | undefined;
  readonly environment: string | undefined;
  /** Last segment of the own SPIFFE ID. */
  readonly service: string;
}
