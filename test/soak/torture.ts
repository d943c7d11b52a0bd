// `npm run torture [MINUTES] [SEED]`: Postern under load with a sink of every kind, while it, its receivers or both are killed, and receivers
// are slow, silent, busy, picky or break off. Afterwards each has every record that the workload's own count calls for, in order, or a `gap` says which
// not; the table says how often. Ends with 1 on any loss. Not part of `npm test`. `npm run kafka` and `npm run syslog-ng` kill those servers.

import https from 'node:https';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { seededRandom } from '../harness/chaos-calls.ts';
import { Mesh } from '../harness/mesh.ts';
import { answerOk, RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, SidecarProcess, temporaryFolder } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { compare } from './torture/ledger.ts';
import { moods } from './torture/moods.ts';
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
  const receivers: TorturedReceiver[] = [];
  for (const kind of ['ndjson', 'elastic', 'syslog'] as const) receivers.push(await TorturedReceiver.start(kind, dir));
  const fileSink = `${dir}/file.ndjson`;
  const sinks = [...receivers.map(({ yaml }) => yaml), `{ type: file, encode: native, path: ${fileSink} }`];
  const journal = 'journal: { dir: journal, segment: 1MiB }';
  const audit = `audit:\n  ${journal}\n  stdout: off\n  sinks:\n${sinks.map((sink) => `    - ${sink}\n`).join('')}`;
  const mesh = await Mesh.create(lived, { workloadPort: workload.port, sections: { audit } });
  let sidecar = await mesh.start(lived);
  let kills = 0;
  const restart = async (): Promise<void> => {
    kills++;
    await sidecar.kill();
    sidecar = await SidecarProcess.start({ configFile: mesh.configFile, adminPort: mesh.adminPort });
  };
  lived.after(async () => sidecar.kill());
  const load = await startLoad(mesh);
  const until = performance.now() + minutes * 60_000;
  while (performance.now() < until) {
    const receiver = among(receivers);
    const deed = among(['kill postern', 'kill receiver', 'kill both', 'mood', 'mood', 'mood'] as const);
    if (deed === 'mood') receiver.mood(among(moods.slice(1)));
    if (deed === 'kill receiver' || deed === 'kill both') await receiver.kill();
    if (deed === 'kill postern' || deed === 'kill both') await restart();
    await pause(500 + random() * 2_500);
    if (deed.endsWith('receiver') || deed === 'kill both') await receiver.start();
    receiver.mood('good');
    await pause(random() * 1_000);
  }
  await load.stop();
  const rows = [...receivers, { kind: 'file', file: fileSink, kills: 0, outages: 0 }];
  const records = journalRecords(mesh.journalDir);
  const account = ({ kind, file }: (typeof rows)[number]) =>
    compare(records, { file, seen, without: kind === 'syslog' ? ['seal'] : [] });
  const isAllThere = (): boolean => rows.every((row) => account(row).faults.length === 0);
  await waitFor('everything to arrive', isAllThere, catchUpMs).catch(() => {}); // the table says what did not
  console.log(
    `seed ${seed}, ${minutes} minutes; Postern killed ${kills} times; the workload saw ${seen.size} requests`,
  );
  console.log(
    '| sink | killed | outages | records expected | received | more than once | in gaps | lost or out of order |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  let isWhole = true;
  for (const row of rows) {
    const { kind, kills: killed, outages } = row;
    const { expected, received, duplicates, inGaps, faults } = account(row);
    console.log(
      `| ${kind} | ${killed} | ${outages} | ${expected} | ${received} | ${duplicates} | ${inGaps} | ${faults.length} |`,
    );
    for (const fault of faults.slice(0, 10)) console.log(`  ${fault}`);
    isWhole &&= faults.length === 0 && received > 0;
  }
  for (const receiver of receivers) await receiver.kill();
  return isWhole && seen.size > minutes * 60;
}

/** Callers that go on, whoever is killed. */
async function startLoad(mesh: Mesh): Promise<{ stop(): Promise<void> }> {
  const credentials = await mesh.caller();
  const agent = new https.Agent({
    ...credentials,
    keepAlive: true,
    maxSockets: 4,
    checkServerIdentity: () => undefined,
  });
  let isSending = true;
  const sender = async (): Promise<void> => {
    while (isSending)
      await get(agent, mesh.port).then(
        () => pause(random() * 10),
        () => pause(25),
      );
  };
  const senders = Array.from({ length: 4 }, sender);
  return {
    stop: async () => {
      isSending = false;
      await Promise.all(senders);
      agent.destroy();
    },
  };
}

function get(agent: https.Agent, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = https.get({ host: '127.0.0.1', port, path: '/x', agent, timeout: 5_000 }, (answer) => {
      answer.resume();
      answer.on('end', resolve);
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
