// What several workers know, shown as what one process would. Each is asked for a moment; one that does not answer is
// missing in lists, and named by the health checks.

import type { DecisionFilter, JournalRecord } from '../admin/recent-decisions.ts';
import type { AdminViews, DecisionSource, HealthCheck, PolicyView, RuleView } from '../admin/views.ts';
import { PosternError } from '../errors.ts';
import type { IdentityView } from '../identity/identity-view.ts';
import type { CallAnswer, CallArgument, CallName, KeptDecision } from './worker-calls.ts';
import type { WorkerProcess } from './worker-process.ts';
import type { WorkerSlot } from './worker-slot.ts';

const patienceMs = 1_000;

/** The answers of those who gave one, by number. */
export async function askAll<K extends CallName>(
  slots: readonly WorkerSlot[],
  name: K,
  argument: CallArgument<K>,
): Promise<ReadonlyMap<number, CallAnswer<K>>> {
  const answers = new Map<number, CallAnswer<K>>();
  const ask = async ({ number, worker }: WorkerSlot): Promise<void> => {
    if (worker !== null) answers.set(number, await worker.ask(name, argument, patienceMs));
  };
  await Promise.allSettled(slots.map(ask));
  return new Map([...answers].sort(([a], [b]) => a - b));
}

/** Each check holds where it holds for all; what is wrong names the worker. */
export async function joinedHealth(slots: readonly WorkerSlot[]): Promise<readonly HealthCheck[]> {
  const answers = await askAll(slots, 'health', undefined);
  const silent = slots.filter(({ number }) => !answers.has(number)).map(({ number }) => number);
  const names = new Set([...answers.values()].flatMap((checks) => checks.map(({ name }) => name)));
  return [workersCheck(slots.length, silent), ...[...names].map((name) => joinedCheck(name, answers))];
}

function workersCheck(count: number, silent: readonly number[]): HealthCheck {
  const detail = silent.length === 0 ? `${count} serve` : `of ${count} these do not answer: ${silent.join(', ')}`;
  return { name: 'workers', ok: silent.length === 0, detail };
}

function joinedCheck(name: string, answers: ReadonlyMap<number, readonly HealthCheck[]>): HealthCheck {
  const found = [...answers].flatMap(([number, checks]) =>
    checks.filter((check) => check.name === name).map((check) => ({ number, check })),
  );
  const failing = found.find(({ check }) => !check.ok);
  if (failing === undefined) return found[0]!.check;
  return { name, ok: false, detail: `worker ${failing.number}: ${failing.check.detail}` };
}

/** What any worker can answer; they all hold the same. */
export function viewsOfAny(
  slots: readonly WorkerSlot[],
): Pick<AdminViews, 'identity' | 'policy' | 'explain' | 'explainRecord'> {
  return {
    identity: async (): Promise<IdentityView | null> =>
      [...(await askAll(slots, 'identity', undefined)).values()][0] ?? null,
    policy: async () => joinedPolicy([...(await askAll(slots, 'policy', undefined)).values()]),
    explain: (request) => anyOf(slots).ask('explain', request, patienceMs),
    explainRecord: (record) => anyOf(slots).ask('explainRecord', record, patienceMs),
  };
}

/** @throws PosternError ERR_WORKER where none serves */
function anyOf(slots: readonly WorkerSlot[]): WorkerProcess {
  const found = slots.find(({ worker }) => worker !== null)?.worker;
  if (found === undefined || found === null) throw new PosternError('ERR_WORKER', 'no worker serves now');
  return found;
}

/** The rules of one, with the hits of all. */
function joinedPolicy(policies: readonly PolicyView[]): PolicyView {
  const [first, ...others] = policies;
  if (first === undefined) return { digest: null, loaded_at: null, rules: [] };
  const same = others.filter(({ digest, rules }) => digest === first.digest && rules.length === first.rules.length);
  const rules = first.rules.map(
    (rule, at): RuleView => ({ ...rule, hits: same.reduce((sum, other) => sum + other.rules[at]!.hits, rule.hits) }),
  );
  return { ...first, rules };
}

/** The last decisions of all workers. */
export function joinedDecisions(slots: readonly WorkerSlot[]): DecisionSource {
  return {
    list: async (filter) => newestOf([...(await askAll(slots, 'decisions', filter)).values()].flat(), filter),
    find: async (id): Promise<KeptDecision | null> =>
      [...(await askAll(slots, 'decision', id)).values()].find((one) => one !== null) ?? null,
    get kept() {
      return keptOf(slots);
    },
  };
}

/** Records of several streams have a time in common, with microseconds and in UTC, but no number. */
function newestOf(records: readonly JournalRecord[], filter: DecisionFilter): readonly JournalRecord[] {
  const timeOf = (record: JournalRecord): string => String(record['time']);
  return records.toSorted((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1)).slice(0, filter.limit);
}

async function keptOf(slots: readonly WorkerSlot[]): Promise<{ readonly denies: number; readonly allows: number }> {
  const all = [...(await askAll(slots, 'kept', undefined)).values()];
  const sum = (of: 'denies' | 'allows'): number => all.reduce((total, kept) => total + kept[of], 0);
  return { denies: sum('denies'), allows: sum('allows') };
}
