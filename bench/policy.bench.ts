// Decisions and plans at 10, 1,000 and 10,000 rules (performance.md, `decision`; policy.md 4.1). Prints a table, absolute
// for reading and as ratios to a calibration loop for judging; exits 1 when a ratio misses its budget.
// `node bench/policy.bench.ts [--quick]`

import type { PolicySet } from '../src/authz/compiled-policy.ts';
import { createAuthorizer } from '../src/authz/engine.ts';
import { compileSources, loadDefaults } from '../src/authz/loader.ts';
import type { AuthzRequest } from '../src/authz/model.ts';
import { requestFromJson } from '../src/authz/request-json.ts';
import { type BundleShape, bundleText, policyCount } from './large-bundle.ts';

const sizes = [10, 1000, 10_000] as const;
const callers = 300;
const quick = process.argv.includes('--quick');
const rounds = quick ? 20_000 : 200_000;

const shapes: readonly BundleShape[] = ['selective', 'tenth global', 'all global'];

function requestOf(team: number): AuthzRequest {
  return requestFromJson(
    {
      principal: { spiffe_id: `spiffe://prod.acme.com/ns/team-${team}/api`, attestation: 'k8s_psat' },
      action: { name: 'read', names: ['read', 'http:GET'], protocol: 'http' },
      resource: { type: 'database', name: `db-${team}-3`, namespace: `team-${team}` },
      network: { is_internal: true },
    },
    0,
  );
}

interface Row {
  readonly rules: number;
  readonly shape: BundleShape;
  readonly loadMs: number;
  /** Nanoseconds, medians. */
  readonly decideNs: number;
  readonly firstNs: number;
  readonly firstP99Ns: number;
}

function measure(rules: number, shape: BundleShape): Row {
  const text = bundleText(rules, shape);
  let set: PolicySet | undefined;
  const loadMs =
    cpuNs(() => {
      set = load(text);
    }) / 1e6;
  if (set === undefined) throw new TypeError('not loaded');
  const authorizer = createAuthorizer({ planCacheEntries: callers, globalDefault: 'deny' });
  authorizer.replace(set);
  const policies = policyCount(rules);
  const requests = Array.from({ length: callers }, (_, n) => requestOf(n % policies));
  // Warm the code, not the plans.
  for (const request of requests) authorizer.planFor(request.principal).decide(request);
  authorizer.replace(set);
  const first = requests
    .slice(0, Math.min(callers, policies))
    .map((request) => timed(() => authorizer.planFor(request.principal).decide(request)));
  first.sort((a, b) => a - b);
  return {
    rules,
    shape,
    loadMs,
    decideNs: decideNs(authorizer, requests),
    firstNs: at(first, 0.5),
    firstP99Ns: at(first, 0.99),
  };
}

function load(text: string): PolicySet {
  // One file of 10,000 rules is under the limit of 4 MiB.
  const result = compileSources([{ file: 'bench.yaml', text }], { ...loadDefaults, maxUnindexedRules: 100_000 });
  if (!result.ok) throw new Error(result.findings[0]?.message ?? 'refused');
  return result.set;
}

function timed(action: () => unknown): number {
  const started = process.hrtime.bigint();
  action();
  return Number(process.hrtime.bigint() - started);
}

/** CPU time, nanoseconds: what a busy neighbour does not change much. For work of milliseconds. */
function cpuNs(action: () => unknown): number {
  const started = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(started);
  return (user + system) * 1000;
}

function at(sorted: readonly number[], quantile: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0;
}

// As connections do it: each holds its plan and asks many times; the batches go round twenty callers.
function decideNs(authorizer: ReturnType<typeof createAuthorizer>, requests: readonly AuthzRequest[]): number {
  let allows = 0;
  const batch = (request: AuthzRequest) => {
    const plan = authorizer.planFor(request.principal);
    for (let n = 0; n < rounds / 20; n++) if (plan.decide(request).effect === 'allow') allows++;
  };
  const twenty = requests.slice(0, 20);
  for (const request of twenty) batch(request);
  const times = twenty.map((request) => cpuNs(() => batch(request)) / (rounds / 20)).sort((a, b) => a - b);
  if (allows === 0) throw new Error('the bench decides nothing');
  return at(times, 0.5);
}

/** Nanoseconds of two look-ups in maps and a few comparisons, on this machine and now. */
function calibrationNs(): number {
  const map = new Map(Array.from({ length: 1000 }, (_, n) => [`key-${n}`, n] as const));
  const keys = [...map.keys()];
  let sum = 0;
  const batch = () => {
    for (let n = 0; n < rounds; n++) sum += (map.get(keys[n % 1000]!) ?? 0) + (map.get(keys[(n * 7) % 1000]!) ?? 0);
  };
  batch();
  const times = Array.from({ length: 9 }, () => cpuNs(batch) / rounds).sort((a, b) => a - b);
  return sum < 0 ? 0 : at(times, 0.5);
}

function main(): void {
  const unit = calibrationNs();
  const rows = shapes.flatMap((shape) => sizes.map((rules) => measure(rules, shape)));
  console.log(`calibration: ${unit.toFixed(1)} ns for two look-ups; node ${process.version}`);
  console.log('rules   shape          load ms   decide ns   (x unit)   first µs p50   p99');
  for (const row of rows) console.log(lineOf(row, unit));
  const missed = shapes.flatMap((shape) =>
    missedBudgets(
      rows.filter((row) => row.shape === shape),
      unit,
    ),
  );
  for (const line of missed) console.error(`missed: ${line}`);
  process.exitCode = missed.length > 0 ? 1 : 0;
}

function lineOf(row: Row, unit: number): string {
  const { rules, shape, loadMs, decideNs: ns, firstNs, firstP99Ns } = row;
  const cells = [String(rules).padEnd(8), shape.padEnd(15), loadMs.toFixed(0).padStart(7), ns.toFixed(0).padStart(12)];
  const rest = [
    (ns / unit).toFixed(1).padStart(11),
    (firstNs / 1000).toFixed(1).padStart(15),
    (firstP99Ns / 1000).toFixed(0).padStart(6),
  ];
  return [...cells, ...rest].join('');
}

/** Flat from 10 to 10,000 rules, and within some twenty units: 0.5 µs on the machine of policy.md 4.1. */
function missedBudgets(rows: readonly Row[], unit: number): readonly string[] {
  const [small, , large] = rows;
  if (small === undefined || large === undefined) return [];
  const missed: string[] = [];
  if (large.decideNs > 2 * small.decideNs)
    missed.push(`${large.shape}: a decision at 10,000 rules costs more than twice that at 10`);
  if (large.decideNs > 25 * unit)
    missed.push(`${large.shape}: a decision costs ${(large.decideNs / unit).toFixed(1)} units, budget 25`);
  return missed;
}

main();
