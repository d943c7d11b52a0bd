// Strangers and peers that hold on to what they get, all kinds at once, while a caller in earnest works: it is served
// throughout, each attacker ends by its limit, memory stays bounded, and all is given back.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { Mesh, openPolicy } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { answerOk, type Behaviour, RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, type SidecarProcess } from '../harness/sidecar-process.ts';
import { SteadyLoad } from '../harness/steady-load.ts';
import { waitFor } from '../harness/wait-for.ts';

const cleanups: (() => Promise<void> | void)[] = [];
const scope = { after: (fn: () => Promise<void> | void) => void cleanups.push(fn) };
const mebibyte = 1024 * 1024;
const large = Buffer.alloc(8 * mebibyte, 'x');
/** Far below what the attackers would fill: each slow reader alone asks for 8 MiB. */
const growthBytes = 128 * mebibyte;
let workload: RecordingWorkload;
let mesh: Mesh;
let sidecar: SidecarProcess;
let caller: PeerCredentials;
/** One sidecar for each test: a limit that one kind of attacker is to meet is wide for the others, however slow the machine. */
const startSidecar = async (limits: string): Promise<void> => {
  mesh = await Mesh.create(scope, {
    workloadPort: workload.port,
    // Lets the callers of one namespace in, and denies the others.
    policy: openPolicy.replace('com/**', 'com/ns/payments/*'),
    inbound: `    limits: ${limits}\n`,
  });
  sidecar = await mesh.start(scope);
  caller = await mesh.caller();
};

/** `/large` is answered with 8 MiB, a POST never, anything else at once. */
const behave: Behaviour = (connection, piece) => {
  // What it received is of no interest, and the slow bodies would be gathered.
  connection.bytes = Buffer.alloc(0);
  const text = piece.toString('latin1');
  if (text.startsWith('GET /large')) {
    connection.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n\r\n`);
    connection.socket.write(large);
  } else if (text.startsWith('GET ')) answerOk(connection, piece);
};

before(async () => {
  workload = await RecordingWorkload.start(behave);
  scope.after(() => workload.stop());
});

after(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

/** Runs `attack` beside a caller in earnest, and holds what both must leave behind. */
async function besideHealthyCaller(attack: () => Promise<readonly { close(): void }[]>): Promise<void> {
  const load = new SteadyLoad({ port: mesh.port, credentials: caller, concurrency: 2 }).start();
  await waitFor('the caller to be served', () => load.answered > 50);
  const residentBefore = sidecar.residentBytes;
  try {
    const attackers = await attack();
    const answeredBefore = load.answered;
    await waitFor('the caller to be served meanwhile', () => load.answered > answeredBefore + 50);
    const growth = sidecar.residentBytes - residentBefore;
    assert.ok(growth < growthBytes, `${Math.round(growth / mebibyte)} MiB more`);
    for (const attacker of attackers) attacker.close();
  } finally {
    await load.stop();
  }
  assert.deepEqual(load.failures, []);
  assert.deepEqual([...load.statuses.keys()], [200]);
  await waitFor('every connection to end', async () => (await sidecar.metric('postern_connections_open')) === 0);
  await waitFor('every request to end', async () => (await sidecar.metric('postern_requests_in_flight')) === 0);
  await waitFor('connections to the workload to be unused', async () => {
    const open = await sidecar.metric('postern_upstream_connections_open');
    return open === (await sidecar.metric('postern_upstream_connections_idle'));
  });
}

/** True when a new caller is served; false when it had to make room, as one that this process keeps from answering may have to. */
async function isServed(): Promise<boolean> {
  const newcomer = await RawPeer.connect(mesh.port, caller).secured();
  newcomer.send('GET /new HTTP/1.1\r\nHost: a\r\n\r\n');
  await waitFor('the newcomer to be answered', () => newcomer.closed || newcomer.received !== '');
  newcomer.close();
  return newcomer.received.startsWith('HTTP/1.1 200');
}

const limitMet = (limit: string) => sidecar.metric('postern_limits_met_total', { limit });

/** The first bytes of a handshake, as a client of ours sends them. */
async function clientHello(): Promise<Buffer> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hello = new Promise<Buffer>((resolve) => server.once('connection', (socket) => socket.once('data', resolve)));
  const client = tls.connect({ port: (server.address() as net.AddressInfo).port, ca: caller.ca }).on('error', () => {});
  const bytes = await hello;
  client.destroy();
  server.close();
  return bytes;
}

interface Stranger {
  readonly isClosed: () => boolean;
  close(): void;
}

function stranger(bytes: Buffer): Stranger {
  const socket = net.connect(mesh.port, '127.0.0.1');
  let closed = false;
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
  });
  socket.resume();
  socket.write(bytes);
  return { isClosed: () => closed, close: () => socket.destroy() };
}

test('2,000 strangers at once that say nothing, garbage, or half of a handshake', { timeout: 120_000 }, async () => {
  await startSidecar('{ handshake: 3s, handshakes: 100 }');
  const nothing = Buffer.alloc(0);
  const garbage = Buffer.from('GET / HTTP/1.1\r\n\r\n');
  const openings = [await clientHello(), garbage, ...Array.from({ length: 6 }, () => nothing)];
  await besideHealthyCaller(async () => {
    const strangers = Array.from({ length: 2_000 }, (_, at) => stranger(openings[at % openings.length]!));
    await waitFor('the flood to meet the limit', async () => (await limitMet('handshakes')) > 1_000, 60_000);
    await waitFor('a caller without a connection to get in while the flood holds all it can', () => isServed(), 20_000);
    await waitFor('each of them to be ended', () => strangers.every(({ isClosed }) => isClosed()));
    return strangers;
  });
  const failures = (result: string) => sidecar.metric('postern_handshakes_total', { result });
  assert.ok((await failures('dropped')) > 1_000);
  assert.ok((await failures('timeout')) > 0);
  assert.ok((await failures('refused')) > 0);
  const refused = journalRecords(mesh.journalDir).filter((record) => record['reason'] === 'authn_failed');
  assert.equal(refused.length, (await failures('timeout')) + (await failures('refused')));
});

const head = (line: string, fields = '') => `${line} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

/** Peers whose certificate is good, and what each kind sends; `trickles` goes out a byte a second after it. */
const kinds: readonly {
  readonly name: string;
  readonly count: number;
  readonly bytes: string;
  readonly trickles: boolean;
  readonly reads: boolean;
  readonly denied?: true;
  /** Begin of what a reading one gets before it is ended. */
  readonly answer: RegExp | null;
}[] = [
  {
    name: 'slow heads',
    count: 50,
    bytes: 'GET / HTTP/1.1\r\nHost: a\r\nX: ',
    trickles: true,
    reads: true,
    answer: /^HTTP\/1.1 408 /,
  },
  {
    name: 'slow bodies',
    count: 50,
    bytes: head('POST /slow', 'Content-Length: 100000\r\n'),
    trickles: true,
    reads: true,
    answer: /^HTTP\/1.1 408 /,
  },
  {
    name: 'denied ones that keep their body back',
    count: 50,
    bytes: head('POST /slow', 'Content-Length: 10000\r\n'),
    trickles: false,
    reads: true,
    denied: true,
    answer: /^HTTP\/1.1 403 /,
  },
  {
    name: 'ones that never read their answer',
    count: 50,
    bytes: head('GET /large'),
    trickles: false,
    reads: false,
    answer: null,
  },
  {
    name: 'ones that ask for more and more and read nothing',
    count: 10,
    bytes: head('GET /large').repeat(5_000),
    trickles: false,
    reads: false,
    answer: null,
  },
];

function attacker(kind: (typeof kinds)[number], credentials: PeerCredentials): RawPeer {
  const peer = RawPeer.connect(mesh.port, credentials);
  peer.socket.once('secureConnect', () => {
    if (!kind.reads) peer.socket.pause();
    peer.send(kind.bytes);
  });
  return peer;
}

test('peers that are slow in every way there is', { timeout: 150_000 }, async (t) => {
  await startSidecar('{ handshake: 60s, header: 1s }');
  const deniedCaller = await mesh.caller('spiffe://prod.acme.com/ns/other/api');
  await besideHealthyCaller(async () => {
    const groups = kinds.map((kind) => ({
      kind,
      peers: Array.from({ length: kind.count }, () => attacker(kind, kind.denied ? deniedCaller : caller)),
    }));
    const all = groups.flatMap(({ peers }) => peers);
    await Promise.all(all.map((peer) => peer.secured()));
    const trickle = setInterval(() => {
      for (const { kind, peers } of groups) {
        if (kind.trickles) for (const peer of peers) if (!peer.closed) peer.send('x');
      }
    }, 1_000);
    t.after(() => clearInterval(trickle));
    for (const { kind, peers } of groups) {
      if (kind.reads) await waitFor(`${kind.name} to be ended`, () => peers.every(({ closed }) => closed), 30_000);
      const { answer } = kind;
      if (answer === null) continue;
      const told = peers.filter(({ received }) => answer.test(received));
      // One that reads its answer too late, because this process stalls for longer than the connection lingers, may get a reset instead.
      assert.ok(
        told.length >= kind.count * 0.8,
        `${kind.name}: ${told.length} told, the last got ${peers.at(-1)?.received}`,
      );
    }
    await waitFor('readers to be ended', async () => (await limitMet('slow_reader')) >= 60, 60_000);
    return all;
  });
  assert.ok((await limitMet('header')) >= 50);
  // The denied have their answer, and lose their connection only.
  assert.equal(await limitMet('min_body_rate'), 100);
  assert.equal(await limitMet('slow_reader'), 60);
  const outcomes = journalRecords(mesh.journalDir).filter((record) => record['type'] === 'outcome');
  const limited = outcomes.filter((record) => (record['outcome'] as { result: string }).result === 'limit');
  assert.equal(limited.length, 110);
});
