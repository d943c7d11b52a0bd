// `npm run soak:judged-again [CONNECTIONS [CAUSE]]`: promise 3 with 2,000 open connections, for each reason why a right ends. Half of
// them lose it: idle, streaming or a WebSocket. They must be closed within a second, each with `reauth_revoked` on record; the
// others go on, and no turn of the sidecar's event loop takes more than 20 ms of CPU time. What it pauses by the clock is told
// beside it, and means something on a machine that does nothing else.

import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createDevCa, type DevCa } from '../../src/identity/dev-ca.ts';
import { Mesh, openPolicy } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, type SidecarProcess } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { handshake, websocketAccept } from '../harness/websocket-world.ts';

const connectionCount = Number(process.argv[2] ?? 2_000);
const onlyCause = process.argv[3];
const mostTurnMs = 20;
const mostDelayMs = 1_000;
const openAtOnce = 25;
const lostId = 'spiffe://prod.acme.com/ns/payments/lost';
/** How long a certificate of the round of expiry lives: all its connections must be open by then. */
const shortLifeMs = 45_000 + connectionCount * 20;

const kinds = ['idle', 'stream', 'websocket'] as const;
type Kind = (typeof kinds)[number];

interface Opened {
  readonly kind: Kind;
  readonly peer: RawPeer;
  closedMs: number;
}

/** Why rights end. */
interface Cause {
  readonly name: string;
  readonly lost: () => Promise<PeerCredentials>;
  /** Takes the right; gives when it ended, milliseconds since the epoch. */
  readonly take: () => Promise<number> | number;
  readonly giveBack: () => void;
}

const cleanups: (() => Promise<void> | void)[] = [];
const lived = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };

const asks: Readonly<Record<Kind, string>> = {
  idle: 'GET /idle HTTP/1.1\r\nHost: a\r\n\r\n',
  stream: 'GET /stream HTTP/1.1\r\nHost: a\r\n\r\n',
  websocket: handshake('/ws'),
};
const answers: Readonly<Record<Kind, string>> = {
  idle: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  stream: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n',
  websocket: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${websocketAccept}\r\n\r\nok`,
};

async function soak(): Promise<string[]> {
  const workload = await RecordingWorkload.start((connection, piece) => {
    const text = piece.toString('latin1');
    const kind = text.includes('GET /stream') ? 'stream' : text.includes('GET /ws') ? 'websocket' : 'idle';
    connection.bytes = Buffer.alloc(0);
    if (text.includes('GET /')) connection.socket.write(answers[kind]);
  });
  lived.after(() => workload.stop());
  const mesh = await Mesh.create(lived, {
    workloadPort: workload.port,
    policy: openPolicy,
    inbound: '    limits: { idle: 10m, upstream_response: 10m }\n',
    sections: {
      policy: 'policy:\n  paths: [policies/]\n  revocations: revocations.yaml\n',
      inventory: 'inventory:\n  registry: identities.yaml\n',
    },
  });
  const second = await createDevCa({ dir: path.join(mesh.dir, 'second-ca'), trustDomain: 'prod.acme.com' });
  mesh.put('bundle.pem', mesh.ca.bundlePem + second.bundlePem);
  mesh.put('revocations.yaml', 'revocations: []\n');
  mesh.put('identities.yaml', 'identities: []\n');
  const pauses = path.join(mesh.dir, 'pauses');
  const sidecar = await mesh.start(lived, {
    NODE_OPTIONS: `--import ${path.resolve(import.meta.dirname, 'loop-pauses.ts')}`,
    POSTERN_TEST_PAUSES: pauses,
  });
  const faults: string[] = [];
  const causes = causesOf(mesh, second).filter(({ name }) => onlyCause === undefined || name === onlyCause);
  for (const cause of causes) faults.push(...(await round(cause, { mesh, sidecar, pauses, workload })));
  return faults;
}

function causesOf(mesh: Mesh, second: DevCa): readonly Cause[] {
  const lost = () => mesh.caller(lostId);
  const written = (name: string, text: string) => () => {
    mesh.put(name, text);
    return Date.now();
  };
  const deny = `${openPolicy}    - name: no-more\n      effect: deny\n      conditions: ['principal.spiffe_id == "${lostId}"']\n`;
  const byLabel = `${openPolicy}    - name: barred\n      effect: deny\n      conditions: ['exists principal.labels["barred"]']\n`;
  const policy = 'policies/policy.yaml';
  let endsMs = 0;
  return [
    { name: 'policy', lost, take: written(policy, deny), giveBack: written(policy, byLabel) },
    {
      name: 'registry',
      lost,
      take: written('identities.yaml', `identities:\n  - { spiffe_id: "${lostId}", labels: { barred: "yes" } }\n`),
      giveBack: written('identities.yaml', 'identities: []\n'),
    },
    {
      name: 'revocation',
      lost,
      take: written('revocations.yaml', `revocations:\n  - { spiffe_id: "${lostId}", reason: soak }\n`),
      giveBack: written('revocations.yaml', 'revocations: []\n'),
    },
    {
      name: 'bundle',
      lost: async () => {
        const svid = await second.issue({ spiffeId: lostId, ttlMs: 3_600_000 });
        return { cert: svid.certChainPem, key: svid.keyPem, ca: mesh.ca.bundlePem };
      },
      take: written('bundle.pem', mesh.ca.bundlePem),
      giveBack: () => {},
    },
    {
      name: 'expiry',
      lost: async () => {
        const svid = await mesh.ca.issue({ spiffeId: lostId, ttlMs: shortLifeMs });
        endsMs = svid.notAfterMs;
        return { cert: svid.certChainPem, key: svid.keyPem, ca: mesh.ca.bundlePem };
      },
      take: async () => {
        await pause(Math.max(0, endsMs - Date.now()));
        return endsMs;
      },
      giveBack: () => {},
    },
  ];
}

interface World {
  readonly mesh: Mesh;
  readonly sidecar: SidecarProcess;
  readonly pauses: string;
  readonly workload: RecordingWorkload;
}

async function round(cause: Cause, { mesh, sidecar, pauses, workload }: World): Promise<string[]> {
  const losers = await openAll(mesh.port, await cause.lost());
  const others = await openAll(mesh.port, await mesh.caller());
  const early = [...losers, ...others].filter(({ peer }) => peer.closed).length;
  const recordsBefore = revokedRecords(mesh);
  const faults: string[] = [];
  let left = 0;
  await longestPauses(sidecar, pauses);
  await pause(1_500);
  const before = await longestPauses(sidecar, pauses);
  const endedMs = await cause.take();
  await waitFor('the losers to be closed', () => losers.every(({ peer }) => peer.closed), 20_000).catch(() => {});
  await pause(1_000);
  const longest = await longestPauses(sidecar, pauses);
  const records = revokedRecords(mesh) - recordsBefore;
  const open = losers.filter(({ peer }) => !peer.closed).length;
  const delayMs = Math.max(...losers.map(({ closedMs }) => closedMs - endedMs));
  const harmed = others.filter(({ peer }) => peer.closed).length;
  const unserved = await unservedOf(others);
  console.log(
    `${cause.name}: ${losers.length} of ${losers.length + others.length} closed, the last after ${Math.round(delayMs)} ms; ` +
      `${records} records; longest turn ${longest.cpuMs} ms of CPU time ` +
      `(before: ${before.cpuMs} ms), longest pause ${longest.pauseMs} ms (before: ${before.pauseMs} ms)`,
  );
  for (const { peer } of [...losers, ...others]) peer.close();
  // A silent stream does not show that its caller has left.
  for (const { socket } of workload.connections.splice(0)) socket.destroy();
  cause.giveBack();
  await waitFor('the right to be back', () => isAllowed(mesh), 30_000);
  await waitFor(
    'the sidecar to be empty',
    async () => {
      left = await sidecar.metric('postern_connections_open');
      return left === 0;
    },
    60_000,
  ).catch(() => faults.push(`${left} connections are open whose peers have left`));
  const checks: readonly (readonly [boolean, string])[] = [
    [early > 0, `${early} connections were closed before anything was taken`],
    [open > 0, `${open} losers are still open`],
    [delayMs > mostDelayMs, `the last loser was closed after ${Math.round(delayMs)} ms`],
    [harmed > 0, `${harmed} connections were closed that had lost nothing`],
    [unserved > 0, `${unserved} others got no answer`],
    [records !== losers.length, `${records} records for ${losers.length} closed connections`],
    [longest.cpuMs > mostTurnMs, `a turn of the loop took ${longest.cpuMs} ms of CPU time`],
  ];
  faults.push(...checks.filter(([isFault]) => isFault).map(([, what]) => what));
  return faults.map((what) => `${cause.name}: ${what}`);
}

async function openAll(port: number, credentials: PeerCredentials): Promise<Opened[]> {
  const opened: Opened[] = [];
  while (opened.length < connectionCount / 2) {
    const next = Array.from({ length: openAtOnce }, (_, at) => openOne(port, credentials, kinds[at % kinds.length]!));
    opened.push(...(await Promise.all(next)));
  }
  return opened;
}

async function openOne(port: number, credentials: PeerCredentials, kind: Kind): Promise<Opened> {
  const peer = RawPeer.connect(port, credentials);
  const one = { kind, peer, closedMs: Number.POSITIVE_INFINITY };
  peer.socket.once('close', () => {
    one.closedMs = Date.now();
  });
  await new Promise<void>((resolve) => peer.socket.once('secureConnect', resolve).once('close', () => resolve()));
  peer.send(asks[kind]);
  await waitFor(`an answer to ${kind}`, () => peer.closed || /ok|^HTTP\/1\.1 [45]/.test(peer.received));
  if (!peer.received.includes('ok')) {
    peer.close();
    throw new Error(`${kind} was answered by ${peer.received.slice(0, 100)}`);
  }
  return one;
}

async function isAllowed(mesh: Mesh): Promise<boolean> {
  const { peer } = await openOne(mesh.port, await mesh.caller(lostId), 'idle');
  peer.close();
  return true;
}

/** Of those that keep their right: an idle one asks again, and what is open is still there. */
async function unservedOf(others: readonly Opened[]): Promise<number> {
  const idle = others.filter(({ kind }) => kind === 'idle');
  for (const { peer } of idle) peer.send(asks.idle);
  const isServed = ({ peer }: Opened): boolean => peer.received.split('200 OK').length === 3;
  await waitFor('the others to be served', () => idle.every(isServed), 20_000).catch(() => {});
  return idle.filter((one) => !isServed(one)).length;
}

function revokedRecords(mesh: Mesh): number {
  return journalRecords(mesh.journalDir).filter((one) => one['reason'] === 'reauth_revoked').length;
}

/** Since they were last asked for, milliseconds. */
async function longestPauses(sidecar: SidecarProcess, file: string): Promise<{ pauseMs: number; cpuMs: number }> {
  rmSync(file, { force: true });
  sidecar.signal('SIGUSR2');
  const text = await waitFor('the figure of pauses', () => readIfThere(file));
  const [pauseMs, cpuMs] = text.split(' ').map(Number);
  return { pauseMs: pauseMs!, cpuMs: cpuMs! };
}

function readIfThere(file: string): string | null {
  try {
    const text = readFileSync(file, 'utf8');
    return text.endsWith('\n') ? text : null;
  } catch {
    return null;
  }
}

try {
  const faults = await soak();
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  for (const cleanup of cleanups.reverse()) await cleanup();
}
