// `npm run torture [MINUTES] [SEED]`: Postern under load with a sink of every kind, while it, its receivers or both are killed, and receivers
// are slow, silent, busy, picky or break off. Afterwards each has every record that the workload's own count calls for, in order, or a `gap` says which
// not; the table says how often. Ends with 1 on any loss. Not part of `npm test`. `npm run kafka` and `npm run syslog-ng` kill those servers.

import https from 'node:https';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { seededRandom } from '../harness/chaos-calls.ts';
import { Mesh } from '../harness/mesh.ts';
import { answerOk, RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, temporaryFolder } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { KilledSidecar } from './torture/killed-sidecar.ts';
import { compare, type Ledger } from './torture/ledger.ts';
import { moods } from './torture/moods.ts';
import { TorturedBroker } from './torture/tortured-broker.ts';
import { TorturedDisk } from './torture/tortured-disk.ts';
import { TorturedReceiver } from './torture/tortured-receiver.ts';

const minutes = Number(process.argv[2] ?? 2);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
/** How long what waits may take to arrive once all is well again. */
const catchUpMs = 120_000;

const cleanups: (() => Promise<void> | void)[] = [];
const lived = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };

const among = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;

async function torture(): Promise<boolean> {
  const seen = new Set<string>();
  const workload = await RecordingWorkload.start((connection, piece) => {
    for (const match of piece.toString('latin1').matchAll(/x-postern-decision-id: (\S+)/g)) seen.add(match[1]!);
    answerOk(connection, piece);
  });
  lived.after(() => workload.stop());
  const dir = temporaryFolder(lived);
  const receivers = await startReceivers(dir);
  const disk = TorturedDisk.mount();
  if (disk === null) console.log('LEFT OUT: the faults of the disk; this process may not mount a file system');
  else lived.after(() => disk.unmount());
  const fileSink = `${dir}/file.ndjson`;
  const sinks = [...receivers.map(({ yaml }) => yaml), `{ type: file, encode: native, path: ${fileSink} }`];
  const journal = `journal: { dir: ${disk?.journal ?? 'journal'}, segment: 1MiB }`;
  const audit = `audit:\n  ${journal}\n  stdout: off\n  sinks:\n${sinks.map((sink) => `    - ${sink}\n`).join('')}`;
  const mesh = await Mesh.create(lived, { workloadPort: workload.port, sections: { audit } });
  const postern = await KilledSidecar.start(mesh);
  lived.after(() => postern.end());
  const load = await startLoad(mesh);
  const until = performance.now() + minutes * 60_000;
  while (performance.now() < until) {
    await hurt({ postern, receiver: among(receivers), disk, sinkCount: sinks.length });
    await pause(random() * 1_000);
  }
  await load.stop();
  const rows = [...receivers, { kind: 'file', file: fileSink, kills: 0, outages: 0 }];
  const records = disk?.records() ?? journalRecords(mesh.journalDir);
  const account = ({ kind, file }: (typeof rows)[number]) =>
    compare(records, { file, seen, without: kind === 'syslog' || kind === 'otlp' ? ['seal'] : [] });
  const isAllThere = (): boolean => rows.every((row) => row.kind === 'kafka' || account(row).faults.length === 0);
  await waitFor('everything to arrive', isAllThere, catchUpMs).catch(() => {}); // the table says what did not
  await waitFor('nothing to be left', () => postern.hasNothingLeft(), catchUpMs).catch(() => {});
  for (const receiver of receivers) if (receiver instanceof TorturedBroker) await receiver.collect();
  const faults = disk === null ? 'no faults of the disk' : `the disk: ${JSON.stringify(disk.faults)}`;
  console.log(`seed ${seed}, ${minutes} minutes; Postern killed ${postern.kills} times; ${faults}`);
  console.log(`the workload saw ${seen.size} requests, the callers got ${load.refusals()} refusals`);
  const isWhole = print(rows.map((row) => ({ ...row, kind: row.kind, ...account(row) })));
  for (const receiver of receivers) await receiver.end();
  return isWhole && seen.size > minutes * 60;
}

async function startReceivers(dir: string): Promise<(TorturedReceiver | TorturedBroker)[]> {
  const receivers: (TorturedReceiver | TorturedBroker)[] = [];
  for (const kind of ['ndjson', 'elastic', 'otlp', 'syslog'] as const) {
    receivers.push(await TorturedReceiver.start(kind, dir));
  }
  const broker = await TorturedBroker.start(lived, dir);
  if (broker === null) console.log('LEFT OUT: Kafka; there is no Java or no Maven here');
  else receivers.push(broker);
  return receivers;
}

interface Hurt {
  readonly postern: KilledSidecar;
  readonly receiver: TorturedReceiver | TorturedBroker;
  readonly disk: TorturedDisk | null;
  readonly sinkCount: number;
}

const deeds = [
  'kill postern',
  'kill receiver',
  'kill both',
  'mood',
  'mood',
  'mood',
  'full',
  'read-only',
  'folder',
] as const;

async function hurt(world: Hurt): Promise<void> {
  const { postern, receiver, disk } = world;
  const deed = among(deeds);
  const ms = 500 + random() * 2_500;
  switch (deed) {
    case 'kill postern':
      return postern.restart(() => pause(ms));
    case 'kill receiver':
    case 'kill both':
      await receiver.kill();
      if (deed === 'kill both') await postern.restart(() => pause(0));
      await pause(ms);
      return receiver.start();
    case 'mood':
      receiver.mood(among(moods.slice(1)));
      await pause(ms);
      return receiver.mood('good');
    default:
      if (disk !== null) return hurtDisk(deed, { ...world, disk, ms });
  }
}

async function hurtDisk(
  deed: 'full' | 'read-only' | 'folder',
  { postern, disk, sinkCount, ms }: Hurt & { readonly disk: TorturedDisk; readonly ms: number },
): Promise<void> {
  if (deed === 'full') {
    disk.fill();
    await pause(ms);
    disk.roomy();
  } else if (deed === 'read-only') {
    await postern.restart(async () => {
      disk.makeReadOnly();
      await postern.tryToServe(ms);
      disk.makeWritable();
    });
  } else {
    // Of streams that had ended nobody could say what was in them; of the present one Postern must.
    await waitFor('the sinks to be up to date', () => disk.isAllUpToDate(sinkCount), catchUpMs);
    const bringBack = disk.takeFolder();
    await pause(ms);
    bringBack(random() < 0.5);
    await waitFor('the folder to be in use', () => disk.isAllUpToDate(sinkCount), catchUpMs);
  }
  await postern.ready();
}

type Row = Ledger & Pick<TorturedReceiver, 'kills' | 'outages'> & { readonly kind: string };

/** True where nothing is lost. */
function print(rows: readonly Row[]): boolean {
  console.log(
    '| sink | killed | outages | records expected | received | more than once | in gaps | lost or out of order |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const { kind, kills, outages, expected, received, duplicates, inGaps, faults } of rows) {
    const figures = [kind, kills, outages, expected, received, duplicates, inGaps, faults.length];
    console.log(`| ${figures.join(' | ')} |`);
    for (const fault of faults.slice(0, 10)) console.log(`  ${fault}`);
  }
  return rows.every(({ faults, received }) => faults.length === 0 && received > 0);
}

/** Callers that go on, whoever is killed. */
async function startLoad(mesh: Mesh): Promise<{ refusals(): number; stop(): Promise<void> }> {
  const credentials = await mesh.caller();
  const agent = new https.Agent({
    ...credentials,
    keepAlive: true,
    maxSockets: 4,
    checkServerIdentity: () => undefined,
  });
  let isSending = true;
  let refusals = 0;
  const sender = async (): Promise<void> => {
    while (isSending)
      await get(agent, mesh.port).then(
        (status) => {
          if (status !== 200) refusals++;
          return pause(status === 200 ? random() * 10 : 25);
        },
        () => pause(25),
      );
  };
  const senders = Array.from({ length: 4 }, sender);
  return {
    refusals: () => refusals,
    stop: async () => {
      isSending = false;
      await Promise.all(senders);
      agent.destroy();
    },
  };
}

function get(agent: https.Agent, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = https.get({ host: '127.0.0.1', port, path: '/x', agent, timeout: 5_000 }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode!));
      answer.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}

try {
  process.exitCode = (await torture()) ? 0 : 1;
} finally {
  for (const cleanup of cleanups.reverse()) await cleanup();
}
