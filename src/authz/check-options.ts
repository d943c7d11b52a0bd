// What the operator of the sidecar allows policies to say.

export interface CheckOptions {
  /** Permits a wildcard in the trust domain of a pattern. */
  readonly allowAnyTrustDomain: boolean;
}

export const checkDefaults: CheckOptions = Object.freeze({ allowAnyTrustDomain: false });
