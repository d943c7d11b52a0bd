// `npm run soak:rotation [MINUTES]`: an agent rotates SVIDs each second for minutes, goes away now and then, and sends
// rubbish, while requests flow over kept and over new connections. Ends with 1 where a request failed, a connection was
// dropped, or memory grew without end. Not part of `npm test`.

import { setTimeout as pause } from 'node:timers/promises';
import { FakeAgent } from '../harness/fake-agent.ts';
import { Mesh } from '../harness/mesh.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { SteadyLoad } from '../harness/steady-load.ts';

const minutes = Number(process.argv[2] ?? 5);
/** Rounds after which memory has settled, and what it may grow by from there, bytes. */
const settledRounds = 30;
const mostGrowthBytes = 40 * 1024 * 1024;

const cleanups: (() => Promise<void> | void)[] = [];
const lived = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };

async function soak(): Promise<string[]> {
  const workload = await RecordingWorkload.start();
  lived.after(() => workload.stop());
  const agent = await FakeAgent.start(lived);
  const identity = `identity:\n  source: workload-api\n  workload_api: { socket: "${agent.endpoint}" }\n`;
  const policy = 'policy: { paths: [policies/], environment_boundary: off }\n';
  const mesh = await Mesh.create(lived, { workloadPort: workload.port, sections: { identity, policy } });
  const sidecar = await mesh.start(lived);
  const svid = await agent.ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/api', ttlMs: 86_400_000 });
  const credentials = { cert: svid.certChainPem, key: svid.keyPem, ca: agent.ca.bundlePem };
  const kept = new SteadyLoad({ port: mesh.port, credentials, concurrency: 4 }).start();
  const faults: string[] = [];
  let fresh = 0;
  let settledBytes = 0;
  for (let round = 0; round < minutes * 60; round++) {
    if (round % 60 === 20) await agent.stop();
    if (round % 60 === 25) await agent.listen();
    agent.fault = round % 60 === 40 ? { kind: 'garbage' } : null;
    await agent.rotate();
    const load = new SteadyLoad({ port: mesh.port, credentials, concurrency: 1 }).start();
    await pause(1_000);
    await load.stop();
    fresh += load.answered;
    faults.push(...faultsOf('new connections', load));
    if (round === settledRounds) settledBytes = sidecar.residentBytes;
    if (round % 30 === 0) console.log(`${round} s: ${kept.answered} requests, ${mebibytes(sidecar.residentBytes)}`);
  }
  await kept.stop();
  faults.push(...faultsOf('kept connections', kept));
  if (kept.connections !== 4) faults.push(`${kept.connections} connections were made where 4 were to be kept`);
  const grown = sidecar.residentBytes - settledBytes;
  if (settledBytes > 0 && grown > mostGrowthBytes) faults.push(`memory grew by ${mebibytes(grown)}`);
  const rotations = await sidecar.metric('postern_identity_rotations_total');
  console.log(`${rotations} rotations, ${kept.answered} requests on kept and ${fresh} on new connections`);
  console.log(`memory ${mebibytes(sidecar.residentBytes)}, settled at ${mebibytes(settledBytes)}`);
  return faults;
}

function faultsOf(where: string, { failures, statuses }: SteadyLoad): string[] {
  const wrong = [...statuses].filter(([status]) => status !== 200).map(([status, count]) => `${count} times ${status}`);
  return [...failures, ...wrong].map((what) => `${where}: ${what}`);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

try {
  const faults = await soak();
  for (const fault of faults.slice(0, 20)) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  for (const cleanup of cleanups.reverse()) await cleanup();
}
