// A bundle as text, for benches: policies of ten rules each.

const rulesPerPolicy = 10;

/** `selective` policies are for one namespace each, global ones for every workload. */
export type BundleShape = 'selective' | 'tenth global' | 'all global';

/** How many policies hold `rules` rules. */
export function policyCount(rules: number): number {
  return Math.ceil(rules / rulesPerPolicy);
}

export function bundleText(rules: number, shape: BundleShape): string {
  const policies = Array.from({ length: policyCount(rules) }, (_, n) => {
    const isGlobal = shape === 'all global' || (shape === 'tenth global' && n % 10 === 0);
    const principals = isGlobal ? '{ type: workload }' : `{ spiffe_id: "spiffe://prod.acme.com/ns/team-${n}/*" }`;
    return `policy p${n}:\n  principals: ${principals}\n  rules:\n${rulesOf(n)}`;
  });
  return policies.join('');
}

function rulesOf(n: number): string {
  const rules = Array.from(
    { length: rulesPerPolicy - 1 },
    (_, at) => `    - name: r${at}
      effect: allow
      resources: { type: database, name: db-${n}-${at} }
      actions: [read, write]
      conditions:
        - principal.attestation == "k8s_psat"
        - principal.namespace == resource.namespace
        - network.is_internal == true
`,
  );
  const deny = `    - name: cross
      effect: deny
      priority: 100
      resources: { type: database, name: db-${n}-0 }
      conditions: [principal.namespace != resource.namespace]
`;
  return rules.join('') + deny;
}
