// The policies in force: loaded whole or not at all, with the guard rails of configuration around. The last good bundle
// stays when a new one is refused.

import { type Bundles, createAuthorizer, type PolicyAuthorizer } from '../authz/engine.ts';
import { createGuardedAuthorizer, type GuardedAuthorizer, type GuardedPlan } from '../authz/guardrails.ts';
import type { LintContext } from '../authz/lint/lint-rule.ts';
import { maskedInputsOf, readsTime } from '../authz/masked-inputs.ts';
import type { Principal, TlsFacts } from '../authz/model.ts';
import type { RuleHits } from '../authz/rule-hits.ts';
import type { PolicyConfig } from '../config/policy-section.ts';
import type { Clock } from '../lib/clock.ts';
import type { PlanSource } from '../proxy/exchange-services.ts';
import { type LoadedBundles, loadBundles } from './load-bundles.ts';

/** The bundle in force as the admin API and metrics see it. */
export interface PolicyStatus {
  readonly digest: string;
  readonly candidateDigest: string | null;
  readonly loadedAtMs: number;
  readonly ruleCount: number;
  readonly policyNames: readonly string[];
  /** What the linter found, not waived. */
  readonly lint: LoadedBundles['findings'];
  readonly hits: readonly RuleHits[];
  readonly candidateHits: readonly RuleHits[];
}

export class PolicyRuntime implements PlanSource {
  readonly #authorizer: PolicyAuthorizer;
  readonly #clock: Clock;
  #config: PolicyConfig;
  #guarded: GuardedAuthorizer;
  #ownEnvironment: string | undefined;
  #loadedAtMs = 0;
  #lint: LoadedBundles['findings'] = [];
  #maskedInputs: readonly string[] = [];
  #readsTime = false;
  #planHits = 0;
  #planMisses = 0;

  private constructor(config: PolicyConfig, ownEnvironment: string | undefined, clock: Clock) {
    this.#clock = clock;
    this.#config = config;
    this.#ownEnvironment = ownEnvironment;
    this.#authorizer = createAuthorizer({ planCacheEntries: config.planCacheEntries, globalDefault: 'deny' });
    this.#guarded = this.#guard();
  }

  /** @throws PosternError ERR_POLICY_UNREADABLE, ERR_POLICY_INVALID */
  static async load(
    config: PolicyConfig,
    ownEnvironment: string | undefined,
    { clock, lint }: { readonly clock: Clock; readonly lint: LintContext },
  ): Promise<PolicyRuntime> {
    const runtime = new PolicyRuntime(config, ownEnvironment, clock);
    runtime.apply(await loadBundles(config, lint), config);
    return runtime;
  }

  get revision(): number {
    return this.#authorizer.revision;
  }

  get maskedInputs(): readonly string[] {
    return this.#maskedInputs;
  }

  get readsTime(): boolean {
    return this.#readsTime;
  }

  get bundles(): Bundles | null {
    return this.#authorizer.current;
  }

  planFor(principal: Principal, tls: TlsFacts): GuardedPlan {
    const plan = this.#guarded.planFor(principal, tls);
    if (plan.cache === 'hit') this.#planHits++;
    else this.#planMisses++;
    return plan;
  }

  /** Puts bundles in force that `loadBundles` gave; every plan is made anew. */
  apply(bundles: LoadedBundles, config: PolicyConfig): void {
    this.#config = config;
    // Before the revision rises: a plan of the new revision must have the new guard rails.
    this.#guarded = this.#guard();
    this.#authorizer.replace(bundles.enforced, bundles.candidate);
    this.#maskedInputs = maskedInputsOf(
      bundles.candidate === null ? [bundles.enforced] : [bundles.enforced, bundles.candidate],
    );
    this.#readsTime = readsTime(bundles.enforced);
    this.#lint = bundles.findings;
    this.#loadedAtMs = this.#clock.nowMs();
  }

  /** The own SVID moved to another environment; the boundary moves with it. */
  setOwnEnvironment(environment: string | undefined): void {
    if (environment === this.#ownEnvironment) return;
    this.#ownEnvironment = environment;
    this.#guarded = this.#guard();
    const { current } = this.#authorizer;
    if (current !== null) this.#authorizer.replace(current.enforced, current.candidate);
  }

  /** How often a connection found a plan made for its principal. */
  planCacheFigures() {
    return { entries: this.#authorizer.planCount, hits: this.#planHits, misses: this.#planMisses };
  }

  status(): PolicyStatus {
    const { current } = this.#authorizer;
    const hits = this.#authorizer.hits();
    return {
      digest: this.#authorizer.bundleDigest,
      candidateDigest: current?.candidate?.digest ?? null,
      loadedAtMs: this.#loadedAtMs,
      ruleCount: current?.enforced.ruleCount ?? 0,
      policyNames: current?.enforced.policies.map((policy) => policy.document.name) ?? [],
      lint: this.#lint,
      hits: hits.enforced,
      candidateHits: hits.candidate,
    };
  }

  #guard(): GuardedAuthorizer {
    const { environmentBoundary, credentialCheck, maxCredentialLifetime } = this.#config;
    return createGuardedAuthorizer({
      authorizer: this.#authorizer,
      environmentBoundary,
      ownEnvironment: this.#ownEnvironment,
      credentialCheck,
      maxCredentialLifetime:
        maxCredentialLifetime === null
          ? null
          : { ms: maxCredentialLifetime.maxMs, effect: maxCredentialLifetime.action },
    });
  }
}
