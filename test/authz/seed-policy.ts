// The seed policy and the requests of policy.md 1.10, for the tests of this folder.

import { readFileSync } from 'node:fs';
import type { PolicySet } from '../../src/authz/compiled-policy.ts';
import { compileSources, loadDefaults } from '../../src/authz/loader.ts';
import type { AuthzRequest } from '../../src/authz/model.ts';
import { requestFromJson } from '../../src/authz/request-json.ts';

export const seedText = readFileSync(
  new URL('../fixtures/policies/payment-service-access.yaml', import.meta.url),
  'utf8',
);

/** Compiles texts that must load. */
export function setOf(...texts: readonly string[]): PolicySet {
  const sources = texts.map((text, n) => ({ file: `${n}.yaml`, text }));
  const result = compileSources(sources, { ...loadDefaults, maxUnindexedRules: 100_000 });
  if (!result.ok) throw new Error(result.findings.map((finding) => finding.message).join('\n'));
  return result.set;
}

type Json = Record<string, unknown>;

/** What differs from the base request; `undefined` takes an attribute out. */
export interface Difference {
  readonly principal?: Json;
  readonly resource?: Json;
  readonly network?: Json;
  readonly context?: Json;
  readonly action?: unknown;
}

export const paymentsDb: Json = { type: 'database', name: 'payments_db', namespace: 'payments' };

/** A queue in `payments`. */
export function queue(topic: string | undefined): Json {
  return { type: 'message_queue', topic, namespace: 'payments' };
}

/** The base request of policy.md 1.10 with a difference. */
export function seedRequest(difference: Difference = {}): AuthzRequest {
  const principal = {
    type: 'workload',
    spiffe_id: 'spiffe://prod.acme.com/ns/payments/api',
    attestation: 'k8s_sat',
    ...difference.principal,
  };
  const json = {
    principal,
    action: difference.action ?? 'read',
    resource: { ...paymentsDb, ...difference.resource },
    network: { is_internal: true, ...difference.network },
    context: difference.context ?? {},
  };
  return requestFromJson(JSON.parse(JSON.stringify(json)), Date.UTC(2026, 0, 1));
}

/** A request for a resource that replaces the base one. */
export function requestFor(resource: Json, difference: Difference = {}): AuthzRequest {
  const cleared = Object.fromEntries(Object.keys(paymentsDb).map((key) => [key, undefined]));
  return seedRequest({ ...difference, resource: { ...cleared, ...resource } });
}
