// Random policies and requests over a small world, so that they meet. For property tests.

import fc from 'fast-check';

const namespaces = ['payments', 'orders', 'ledger'];
const ids = [
  'prod.acme.com/ns/payments/api',
  'prod.acme.com/ns/payments/worker',
  'prod.acme.com/ns/orders/api',
  'staging.acme.com/x',
];
const patterns = [
  ...ids,
  'prod.acme.com/ns/*/api',
  'prod.acme.com/ns/payments/*',
  'prod.acme.com/**',
  'prod.acme.com/ns/pay*/w*',
];
const types = ['database', 'message_queue', 'http_endpoint'];
const names = ['payments_db', 'ledger_db'];
const topics = ['audit.payments.card', 'audit.payments', 'audit.orders.x.y'];
const topicPatterns = [...topics, 'audit.*.card', 'audit.**', '**.card', 'audit.pay*.card'];
const paths = ['/', '/metrics', '/admin/users', '/admin/'];
const pathPatterns = [...paths, '/**', '/admin/*', '/*'];
const actionNames = ['read', 'write', 'publish', 'http:GET'];
const attestations = ['k8s_sat', 'aws_iid'];

const quoted = (texts: readonly string[]) => fc.constantFrom(...texts).map((text) => JSON.stringify(text));
const spiffe = (texts: readonly string[]) =>
  fc.constantFrom(...texts).map((text) => JSON.stringify(`spiffe://${text}`));
const listOf = (item: fc.Arbitrary<string>) =>
  fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => `[${items.join(', ')}]`);

const leaf: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(fc.constantFrom('==', '!='), quoted(namespaces)).map(([op, v]) => `principal.namespace ${op} ${v}`),
  fc.constantFrom('==', '!=').map((op) => `principal.namespace ${op} resource.namespace`),
  fc.constantFrom('==', '!=').map((op) => `context.left ${op} context.right`),
  fc
    .tuple(fc.constantFrom('matches', 'not matches'), spiffe(patterns))
    .map(([op, v]) => `principal.spiffe_id ${op} ${v}`),
  spiffe(ids).map((v) => `principal.spiffe_id == ${v}`),
  fc
    .tuple(fc.constantFrom('in', 'not in'), listOf(quoted(attestations)))
    .map(([op, v]) => `principal.attestation ${op} ${v}`),
  fc
    .tuple(fc.constantFrom('matches', 'not matches'), quoted(topicPatterns))
    .map(([op, v]) => `resource.topic ${op} ${v}`),
  quoted(pathPatterns).map((v) => `resource.path matches ${v}`),
  quoted(['/adm', '/met']).map((v) => `resource.path startsWith ${v}`),
  fc.constantFrom(
    'network.is_internal == true',
    'network.is_internal',
    'not network.is_internal',
    'network.is_internal != true',
  ),
  listOf(fc.constantFrom('"10.0.0.0/8"', '"192.168.1.0/24"', '"fd00::/8"')).map((v) => `network.source_ip in ${v}`),
  fc.constantFrom('network.source_ip == "10.1.2.3"', 'network.source_ip not in "10.0.0.0/8"'),
  fc
    .tuple(fc.constantFrom('<', '<=', '>', '>=', '==', '!='), fc.constantFrom('3', '5', '7.5'))
    .map(([op, v]) => `context.level ${op} ${v}`),
  fc.constantFrom('context.level', 'not context.level', 'context.level == "x"', 'context.level in ["x", 5]'),
  fc.constantFrom(
    '"admin" in context.roles',
    'context.roles contains 5',
    'context.roles contains context.left',
    'context.left in context.roles',
  ),
  fc.constantFrom('action.names contains "http:GET"', 'action.name == "read"', '"read" in action.names'),
  fc.constantFrom(
    'request.time within "Mon-Fri 08:00-18:00 Europe/Berlin"',
    'request.time within ["Sat 22:00-06:00 UTC", "Sun UTC"]',
  ),
  fc.constantFrom(
    'request.time >= "2026-06-01T00:00:00Z"',
    'tls.peer.lifetime <= 2h',
    'tls.sni endsWith ".ACME.com"',
    'tls.sni == "Db.acme.com"',
  ),
  fc.constantFrom(
    'request.http.headers["X-Tier"] == "gold"',
    'request.http.query["q"] contains "x"',
    'principal.labels["team"] == "a"',
  ),
  fc.constantFrom(
    'resource.name matches "*_db"',
    'resource.name == "payments_db"',
    'resource.name in ["payments_db", "ledger_db"]',
    'resource.port == 5432',
  ),
  fc.constantFrom(
    'true',
    'false',
    'resource.host matches "*.Acme.com"',
    'principal.type == "workload"',
    'principal.claims["n"]["m"] == 1',
  ),
);

const existence = fc.constantFrom(
  'exists resource.namespace',
  'missing context.level',
  'exists principal.labels["team"]',
  'missing resource.topic',
);

function conditionOf(leaves: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const { condition } = fc.letrec<{ condition: string }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'condition' },
      leaves,
      tie('condition').map((inner) => `not (${inner})`),
      fc
        .tuple(tie('condition'), fc.constantFrom('and', 'or', '&&', '||'), tie('condition'))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
    ),
  }));
  return condition;
}

/** A condition; without `exists` and `missing`, for which monotonicity does not hold, unless asked for. */
export const anyCondition = conditionOf(fc.oneof({ arbitrary: leaf, weight: 9 }, { arbitrary: existence, weight: 1 }));
export const monotoneCondition = conditionOf(leaf);

const oneOrList = (values: readonly string[]) =>
  fc.oneof(fc.constantFrom(...values), fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 }));

const principalTarget = fc.record(
  {
    type: fc.constantFrom('workload', 'user'),
    spiffe_id: fc.constantFrom(...patterns).map((pattern) => `spiffe://${pattern}`),
    namespace: oneOrList(namespaces),
    environment: fc.constant('prod'),
  },
  { requiredKeys: [] },
);
const resourceTarget = fc.record(
  {
    type: oneOrList(types),
    name: oneOrList(names),
    topic: oneOrList(topicPatterns),
    path: oneOrList(pathPatterns),
    namespace: fc.constantFrom(...namespaces),
  },
  { requiredKeys: [] },
);

function targetOf(map: fc.Arbitrary<Record<string, unknown>>): fc.Arbitrary<unknown> {
  const filled = map.filter((value) => Object.keys(value).length > 0);
  return fc.oneof(
    { arbitrary: filled, weight: 3 },
    { arbitrary: fc.array(filled, { minLength: 1, maxLength: 2 }), weight: 1 },
  );
}

export interface RuleJson {
  readonly name: string;
  readonly effect: 'allow' | 'deny';
  readonly conditions?: readonly string[];
  readonly [key: string]: unknown;
}

function ruleOf(condition: fc.Arbitrary<string>): fc.Arbitrary<Omit<RuleJson, 'name'>> {
  return fc.record(
    {
      effect: fc.constantFrom('allow', 'allow', 'deny'),
      priority: fc.constantFrom(0, 0, 1, 2),
      mode: fc.constantFrom('enforce', 'enforce', 'enforce', 'shadow', 'disabled'),
      principals: targetOf(principalTarget),
      resources: targetOf(resourceTarget),
      actions: fc.uniqueArray(fc.constantFrom(...actionNames), { minLength: 1, maxLength: 2 }),
      conditions: fc.array(condition, { minLength: 1, maxLength: 3 }),
      expires: fc.constantFrom('2026-06-01T00:00:00Z'),
      credential: fc.constantFrom(
        { type: 'short_lived_certificate', ttl: '1h' },
        { type: 'short_lived_certificate', ttl: '5m' },
        { type: 'magic' },
      ),
    },
    { requiredKeys: ['effect'] },
  ) as fc.Arbitrary<Omit<RuleJson, 'name'>>;
}

export interface PolicyJson {
  readonly name: string;
  readonly rules: readonly RuleJson[];
  readonly [key: string]: unknown;
}

/** One to three policies. */
export function policiesOf(condition: fc.Arbitrary<string>): fc.Arbitrary<readonly PolicyJson[]> {
  const policy = fc.record(
    {
      default_decision: fc.constantFrom('deny', 'allow'),
      mode: fc.constantFrom('enforce', 'enforce', 'enforce', 'shadow', 'disabled'),
      principals: targetOf(principalTarget),
      rules: fc.array(ruleOf(condition), { maxLength: 4 }),
    },
    { requiredKeys: ['rules'] },
  );
  return fc.array(policy, { minLength: 1, maxLength: 3 }).map((policies) =>
    policies.map((body, n) => ({
      ...body,
      name: `p${n}`,
      rules: body.rules.map((rule, at) => named(rule, `r${at}`)),
    })),
  ) as fc.Arbitrary<readonly PolicyJson[]>;
}

function named(rule: Omit<RuleJson, 'name'>, name: string): RuleJson {
  const { credential, ...rest } = rule as RuleJson;
  return rule['effect'] === 'deny' || credential === undefined ? { ...rest, name } : { ...rest, name, credential };
}

/** The text of a policy file; JSON is YAML. */
export function policyText(policies: readonly PolicyJson[]): string {
  return JSON.stringify(Object.fromEntries(policies.map(({ name, ...body }) => [`policy ${name}`, body])), null, 1);
}

type Json = Record<string, unknown>;

/** An evaluation request; some attributes missing, some of the wrong type. */
export const anyRequest: fc.Arbitrary<Json> = fc.record({
  principal: fc.record(
    {
      type: fc.constantFrom('workload', 'workload', 'user'),
      spiffe_id: fc.constantFrom(...ids).map((id) => `spiffe://${id}`),
      namespace: fc.constantFrom<unknown>(...namespaces, null, 7),
      attestation: fc.constantFrom(...attestations),
      environment: fc.constantFrom('prod', 'staging'),
      labels: fc.constantFrom({ team: 'a' }, { team: 3 }),
      claims: fc.constantFrom({ n: { m: 1 } }, { n: 'x' }),
    },
    { requiredKeys: ['type'] },
  ),
  action: fc.oneof(
    fc.constantFrom<unknown>(...actionNames, 'other', { name: 'read', names: ['read', 'http:GET'] }),
    fc.constantFrom<unknown>(['read', 'write'], [{ name: 'read', names: ['read', 'http:GET', 'publish', 'x'] }]),
  ),
  resource: fc.record(
    {
      type: fc.constantFrom(...types, 'other'),
      name: fc.constantFrom<unknown>(...names, 5),
      topic: fc.constantFrom(...topics),
      path: fc.constantFrom(...paths),
      namespace: fc.constantFrom<unknown>(...namespaces, 7),
      host: fc.constantFrom('db.acme.com', 'DB.ACME.COM', 'acme.com'),
      port: fc.constantFrom<unknown>(5432, '5432'),
    },
    { requiredKeys: ['type'] },
  ),
  network: fc.record(
    {
      is_internal: fc.boolean(),
      source_ip: fc.constantFrom('10.1.2.3', '::ffff:10.1.2.3', '192.168.1.9', 'fd00::1', '8.8.8.8', 'rubbish'),
    },
    { requiredKeys: [] },
  ),
  tls: fc.record(
    {
      sni: fc.constantFrom('db.acme.com', 'DB.acme.COM'),
      peer: fc.constantFrom(
        { not_before: '2026-01-01T00:00:00Z', not_after: '2026-01-01T01:00:00Z' },
        { not_after: '2026-01-01T01:00:00Z' },
      ),
    },
    { requiredKeys: [] },
  ),
  request: fc.record(
    {
      time: fc.constantFrom(
        '2026-01-05T09:00:00Z',
        '2026-01-03T23:00:00Z',
        '2026-07-05T04:00:00Z',
        '2026-07-06T06:30:00Z',
      ),
      http: fc.constantFrom({ headers: { 'x-tier': 'gold' }, query: { q: 'axb' } }, { headers: { 'X-TIER': 'tin' } }),
    },
    { requiredKeys: ['time'] },
  ),
  context: fc.record(
    {
      left: fc.constantFrom<unknown>('a', 'b', 1, true, null),
      right: fc.constantFrom<unknown>('a', 'b', 1, '1'),
      level: fc.constantFrom<unknown>(3, 5, 7.5, 'x', true, false, [1]),
      roles: fc.constantFrom<unknown>(['admin'], ['a', 5], [5], 'admin', []),
    },
    { requiredKeys: [] },
  ),
});
