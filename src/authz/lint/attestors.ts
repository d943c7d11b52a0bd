// L-ATTEST: how a workload was attested, in words that no issuer uses (any more), or that nothing provides.

import type { Clause } from '../policy-document.ts';
import { leavesOf, textsOf } from './expression-walk.ts';
import type { LintRule, PlacedRule } from './lint-rule.ts';
import { clausesOf, faultIn, rulesOf } from './lint-rule.ts';

/** Node and workload attestors of SPIRE 1.12 and later. */
const known: ReadonlySet<string> = new Set([
  'aws_iid',
  'azure_imds',
  'azure_msi',
  'gcp_iit',
  'http_challenge',
  'join_token',
  'k8s_psat',
  'sshpop',
  'tpm_devid',
  'x509pop',
  'docker',
  'k8s',
  'systemd',
  'unix',
  'windows',
]);

export const attestor: LintRule = {
  id: 'L-ATTEST',
  level: 'info',
  finds: 'an attestor that is retired or unknown, or `principal.attestation` where nothing gives one to anybody',
  needs: null,
  *check(policies, { givenAttributes }) {
    for (const placed of rulesOf(policies)) {
      const clauses = [...(placed.policy.principals?.alternatives.flat() ?? []), ...clausesOf(placed.rule)];
      for (const clause of clauses) {
        for (const name of attestorsIn(clause)) yield* nameFaults(placed, clause, name);
        if (givenAttributes?.has('attestation') === false && readsAttestation(clause))
          yield absenceFault(placed, clause);
      }
    }
  },
};

function attestorsIn({ expression }: Clause): ReadonlySet<string> {
  const names = [...leavesOf(expression)].flatMap(({ expression: leaf }) =>
    leaf.kind === 'compare' && leaf.left.text === 'principal.attestation' && leaf.operator !== 'matches'
      ? textsOf(leaf)
      : [],
  );
  return new Set(names);
}

function* nameFaults(placed: PlacedRule, clause: Clause, name: string) {
  if (known.has(name)) return;
  const isRetired = name === 'k8s_sat';
  const message = isRetired
    ? 'SPIRE 1.12 removed the attestor `k8s_sat`, so workloads of a current SPIRE are not attested by it'
    : `SPIRE has no attestor \`${name}\``;
  const mend = isRetired
    ? 'write `k8s_psat`, or both: `principal.attestation in ["k8s_psat", "k8s_sat"]`'
    : `known: ${[...known].join(', ')}`;
  yield faultIn(placed, { severity: 'info', message, mend }, clause.position);
}

function readsAttestation({ expression }: Clause): boolean {
  return [...leavesOf(expression)].some(
    ({ expression: leaf }) => leaf.kind === 'compare' && leaf.left.text === 'principal.attestation',
  );
}

function absenceFault(placed: PlacedRule, clause: Clause) {
  const { effect, name } = placed.rule;
  const result = effect === 'allow' ? 'never allows' : 'always denies, for want of it,';
  const message = `neither \`identity.attributes\` nor the registry gives \`attestation\`, so \`${name}\` ${result} what depends on it`;
  const mend =
    'set `attestation` in `identity.attributes`, or in `inventory.registry` for the identities that are attested so';
  return faultIn(placed, { severity: 'info', message, mend }, clause.position);
}
