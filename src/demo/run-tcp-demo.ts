// `postern demo --tcp` from begin to end: programs that nobody changed reach each other through two Posterns, and each of both
// decisions is shown as it is on record.

import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Paint } from '../lib/paint.ts';
import type { Sidecar } from '../runtime/sidecar.ts';
import { type ProgramOutput, runProgram } from './legacy-programs.ts';
import type { TcpDemoWorld } from './tcp-demo-world.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One thing that somebody does, and what has to come of it. */
interface Step {
  readonly title: string;
  readonly command: string;
  readonly act: () => Promise<ProgramOutput>;
  /** What the program prints, and the decision of each side; null: that side hears nothing of it. */
  readonly expect: { readonly text: RegExp; readonly front: string | null; readonly orders: string | null };
}

interface Output {
  readonly print: (line: string) => void;
  readonly paint: Paint;
}

const patienceMs = 10_000;
const pollMs = 10;

/** Takes all steps, printing as it goes; true when each came out as expected. */
export async function runTcpDemo(world: TcpDemoWorld, print: (line: string) => void, paint: Paint): Promise<boolean> {
  print(paint.bold('Postern demo: programs that nobody changed, mutual TLS between them'));
  print('');
  print('  python3, psql ──plain──▶ postern ══mTLS══▶ postern ──plain──▶ python3 -m http.server, PostgreSQL');
  print('');
  let expected = 0;
  const steps = stepsOf(world);
  for (const step of steps) if (await take(world, step, { print, paint })) expected++;
  if (world.psql === null)
    print(paint.yellow('PostgreSQL is not installed, so psql was left out (apt-get install postgresql)'));
  const summary = `${expected} of ${steps.length} came out as expected`;
  print(expected === steps.length ? paint.green(summary) : paint.red(summary));
  return expected === steps.length;
}

async function take(world: TcpDemoWorld, step: Step, { print, paint }: Output): Promise<boolean> {
  const before = { front: newestOf(world.front), orders: newestOf(world.orders) };
  const output = await step.act();
  const front = step.expect.front === null ? null : await next(world.front, before.front);
  const orders = step.expect.orders === null ? null : await next(world.orders, before.orders);
  const isAsExpected =
    step.expect.text.test(output.text) && saysOf(front) === step.expect.front && saysOf(orders) === step.expect.orders;
  print(paint.bold(step.title));
  print(paint.dim(`   $ ${step.command}`));
  print(`   ${output.text}`);
  if (front !== null) print(`   ${decisionLine('caller side', front, paint)}`);
  if (orders !== null) print(`   ${decisionLine('server side', orders, paint)}`);
  if (!isAsExpected) print(paint.yellow('   (not what the demo expects)'));
  print('');
  return isAsExpected;
}

function stepsOf({ python, psql, ports }: TcpDemoWorld): readonly Step[] {
  const env = { http_proxy: `http://127.0.0.1:${ports.proxy}` };
  const client = (method: string): string =>
    `import urllib.request as u; print(u.urlopen(u.Request("http://orders/open.txt", method="${method}")).read().decode())`;
  const web = (method: string) => ({
    command: `http_proxy=${env.http_proxy} python3 -c '… urlopen("http://orders/open.txt", method="${method}")'`,
    act: () => runProgram(python, ['-c', client(method)], env),
  });
  const steps: Step[] = [
    {
      title: '1. A Python client reads http://orders/ and knows nothing of TLS',
      ...web('GET'),
      expect: { text: /^three orders are open$/, front: 'allow rule', orders: 'allow rule' },
    },
    {
      title: '2. It tries to delete: its own side lets it call, the server side says no',
      ...web('DELETE'),
      expect: { text: /HTTP Error 403/, front: 'allow rule', orders: 'deny default' },
    },
    {
      title: '3. Somebody without a certificate comes straight to the server side',
      command: `nc 127.0.0.1 ${ports.web}`,
      act: () => knock(ports.web),
      expect: { text: /^sent away$/, front: null, orders: 'deny authn_failed' },
    },
  ];
  if (psql === null) return steps;
  const query = 'select 40 + 2 as answer';
  const args = ['-h', '127.0.0.1', '-p', String(ports.database), '-U', 'demo', '-d', 'postgres', '-Atc', query];
  const database: Step = {
    title: '4. psql asks PostgreSQL, in its own protocol',
    command: `psql -h 127.0.0.1 -p ${ports.database} -c '${query}'`,
    act: () => runProgram(psql, args, {}),
    expect: { text: /^42$/, front: 'allow rule', orders: 'allow rule' },
  };
  return [...steps, database];
}

/** Speaks without TLS where only mutual TLS is taken. */
function knock(port: number): Promise<ProgramOutput> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: orders\r\n\r\n'));
    socket.once('error', () => socket.destroy());
    socket.once('close', () => resolve({ ok: true, text: 'sent away' }));
    socket.resume();
  });
}

function newestOf(sidecar: Sidecar): unknown {
  return sidecar.parts.recent.list({ limit: 1 })[0]?.['decision_id'];
}

/** The first decision after the one that was the newest; null where none comes. */
async function next(sidecar: Sidecar, before: unknown): Promise<Fields | null> {
  const until = performance.now() + patienceMs;
  while (performance.now() < until) {
    const [newest] = sidecar.parts.recent.list({ limit: 1 });
    if (newest !== undefined && newest['decision_id'] !== before) return newest;
    await pause(pollMs);
  }
  return null;
}

function saysOf(record: Fields | null): string | null {
  return record === null ? null : `${String(record['decision'])} ${String(record['reason'])}`;
}

function decisionLine(side: string, record: Fields, paint: Paint): string {
  const mark = record['decision'] === 'allow' ? paint.green('ALLOW') : paint.red('DENY ');
  const rule = (record['rule'] as { readonly name?: string } | undefined)?.name;
  const principal = (record['principal'] as { readonly workload_id?: string } | undefined)?.workload_id ?? 'nobody';
  return `${mark}  ${side}: ${principal}  ${rule === undefined ? String(record['reason']) : `rule: ${rule}`}`;
}
