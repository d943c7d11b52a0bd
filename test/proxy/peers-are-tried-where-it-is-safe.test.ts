// Connections to several endpoints: another is asked where none came about, never too often, and what is too much waits or is
// refused at once. Real sockets; time is the test's.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import { unsafeShadowPermit as permit } from '../../src/authz/engine.ts';
import { isPosternError, type PosternError } from '../../src/errors.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { DescriptorRoom } from '../../src/proxy/descriptor-room.ts';
import { type BreakerLimits, ejectionDefaults, type Place } from '../../src/proxy/endpoints/endpoint-options.ts';
import { NameResolver, type ResolvedName } from '../../src/proxy/endpoints/name-resolver.ts';
import { PeerPool } from '../../src/proxy/endpoints/peer-pool.ts';
import { RetryBudget } from '../../src/proxy/endpoints/retry-budget.ts';
import type { UpstreamConnection } from '../../src/proxy/upstream-connection.ts';
import type { UpstreamLine } from '../../src/proxy/upstream-line.ts';
import type { UpstreamWaiter } from '../../src/proxy/upstream-source.ts';
import { WorkloadTarget } from '../../src/proxy/upstream-target.ts';
import type { UpstreamFault } from '../../src/proxy/upstream-user.ts';
import { ListenerCounters } from '../../src/telemetry/listener-counters.ts';
import { headLimitsDefaults } from '../../src/wire/head-limits.ts';
import { DnsServer } from '../harness/dns-server.ts';
import { freePort } from '../harness/free-port.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Keeps what it was told; more than once is a fault. */
class Waiter implements UpstreamWaiter {
  told: UpstreamLine | PosternError | null = null;

  onUpstreamReady(connection: UpstreamLine): void {
    assert.equal(this.told, null);
    this.told = connection;
  }

  onUpstreamUnreachable(error: PosternError): void {
    assert.equal(this.told, null);
    this.told = error;
  }

  get connection(): UpstreamConnection {
    assert.ok(this.told !== null && !isPosternError(this.told), String(this.told));
    return this.told as UpstreamConnection;
  }

  get error(): PosternError {
    assert.ok(isPosternError(this.told), 'there is a connection');
    return this.told;
  }
}

interface Setup {
  readonly to?: readonly { readonly host: string; readonly port: number }[];
  readonly retries?: number;
  readonly breaker?: Partial<BreakerLimits>;
  readonly resolve?: (name: string) => Promise<ResolvedName>;
  /** Ports to which no connection ever comes about. */
  readonly silent?: readonly number[];
}

const connectMs = 1_000;
let servers: RecordingWorkload[] = [];
const pools: PeerPool[] = [];
let dead = 0;

/** A socket that waits for ever. */
class SilentTarget extends WorkloadTarget {
  override open(onread: net.OnReadOpts): net.Socket {
    return new net.Socket({ onread } as net.SocketConstructorOpts);
  }
}

function world({ to = servers.map(({ port }) => ({ host: '127.0.0.1', port })), ...setup }: Setup = {}) {
  const clock = new ManualClock(0);
  const wheel = new TimerWheel({ clock, tickMs: 100, onError: assert.ifError });
  const counters = new ListenerCounters();
  const targetOf = ({ address, port }: Place): WorkloadTarget => {
    const kind = setup.silent?.includes(port) ? SilentTarget : WorkloadTarget;
    return new kind({ kind: 'tcp', host: address, port });
  };
  const pool = new PeerPool({
    to,
    balance: 'round_robin',
    ejection: { ...ejectionDefaults, failures: 1_000 },
    breaker: { connections: 100, pending: 100, requests: Number.POSITIVE_INFINITY, ...setup.breaker },
    retries: setup.retries ?? 1,
    names: { known: () => [], resolve: setup.resolve ?? (() => Promise.reject(new Error('nobody is asked'))) },
    random: () => 0,
    counters,
    onFault: assert.ifError,
    connections: { limits: headLimitsDefaults, wheel, connectMs, responseMs: 1_000, room: new DescriptorRoom(10_000) },
    targetOf,
    http2TargetOf: null,
    callIdleMs: 1_000,
  });
  pools.push(pool);
  const pass = (ms: number): void => {
    for (let gone = 0; gone < ms; gone += 100) {
      clock.advance(100);
      wheel.turn();
    }
  };
  const take = (repeatable = false): Waiter => {
    const waiter = new Waiter();
    const kept = pool.take(permit, waiter, repeatable);
    if (kept !== null) waiter.onUpstreamReady(kept);
    return waiter;
  };
  const taken = async (repeatable = false): Promise<Waiter> => {
    const waiter = take(repeatable);
    await waitFor('the end of the wish', () => waiter.told !== null);
    return waiter;
  };
  return { pool, counters, pass, take, taken, wheel };
}

/** One exchange, and the connection is back. */
async function use(connection: UpstreamLine): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const over = (): void => {
      connection.giveBack();
      resolve();
    };
    const nothing = (): void => {};
    connection.begin(
      {
        onInterimHead: nothing,
        onResponseHead: nothing,
        onResponseBody: nothing,
        onResponseEnd: nothing,
        onUpstreamDrain: nothing,
        onResponseFlush: over,
        onUpstreamFault: (_fault, error) => reject(error),
      },
      'GET',
      null,
    );
    connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  });
}

beforeEach(async () => {
  servers = [await RecordingWorkload.start(), await RecordingWorkload.start()];
  dead = await freePort();
});

afterEach(async () => {
  for (const pool of pools.splice(0)) pool.close();
  for (const server of servers.splice(0)) await server.stop();
});

after(() => assert.equal(pools.length, 0));

const local = (port: number) => ({ host: '127.0.0.1', port });

describe('where no connection comes about', () => {
  test('another endpoint is asked, whatever the request is', async () => {
    const { taken, counters } = world({ to: [local(dead), local(servers[0]!.port)] });
    assert.ok((await taken(false)).connection.isIdle);
    assert.equal(counters.upstreamRetries.get('not_connected'), 1);
    assert.equal(counters.upstreamConnectFailures.get('refused'), 1);
  });

  test('nobody else is asked without retries, or when all were', async () => {
    const without = world({ to: [local(dead), local(servers[0]!.port)], retries: 0 });
    assert.equal((await without.taken()).error.code, 'ERR_UPSTREAM_UNREACHABLE');
    const all = world({ to: [local(dead), { host: '127.0.0.2', port: dead }], retries: 9 });
    assert.equal((await all.taken()).error.code, 'ERR_UPSTREAM_UNREACHABLE');
    assert.equal(all.counters.upstreamConnects, 2);
  });

  test('a silent endpoint costs its time once, and then another is asked', async () => {
    const { take, pass } = world({ to: [local(dead), local(servers[0]!.port)], silent: [dead] });
    const waiter = take();
    pass(900);
    assert.equal(waiter.told, null);
    pass(300);
    await waitFor('the other', () => waiter.told !== null);
    assert.ok(waiter.connection.isIdle);
  });

  test('retries have a budget, so that calls to the dead do not double', async () => {
    const { taken, counters } = world({ to: [local(dead), { host: '127.0.0.2', port: dead }] });
    for (let times = 0; times < 30; times++) await taken();
    assert.ok(counters.upstreamConnects < 50, `${counters.upstreamConnects} for 30 requests`);
    assert.ok(counters.upstreamRetries.get('over_budget') > 10);
  });
});

test('the budget grows with requests and with time, up to an end', () => {
  const budget = new RetryBudget();
  const spent = (nowMs: number): number => {
    for (let count = 0; ; count++) if (!budget.spend(nowMs)) return count;
  };
  assert.equal(spent(0), 10);
  for (let times = 0; times < 11; times++) budget.earn();
  assert.equal(spent(0), 2);
  assert.equal(spent(3_100), 3);
  for (let times = 0; times < 1_000; times++) budget.earn();
  assert.equal(spent(1_000_000), 10);
});

describe('a request that was sent', () => {
  test('may be repeated once where a kept connection was closed, and further only as retries say', async () => {
    const { pool, taken } = world({ retries: 1 });
    const { connection } = await taken();
    const never = world({ retries: 0 });
    const other = (await never.taken()).connection;
    assert.deepEqual(
      [pool.mayRepeat(connection, 0), pool.mayRepeat(connection, 1), never.pool.mayRepeat(other, 0)],
      [true, false, false],
    );
    await use(connection);
    const again = [await taken(), await taken()].find((one) => one.connection === connection)!.connection;
    again.begin({} as never, 'GET', null);
    assert.ok(pool.mayRepeat(again, 0));
    again.destroy();
    other.destroy();
  });
});

describe('an answer', () => {
  /** The time in which an exchange fails whose peer sends `pieces`, one each 500 ms. */
  async function failsAfter(pieces: readonly string[]): Promise<number> {
    const [server] = servers;
    server!.behave = () => {};
    const { pool, taken, pass } = world({ to: [local(server!.port)] });
    const { connection } = await taken();
    const faults: UpstreamFault[] = [];
    let read = 0;
    const count = (): void => void read++;
    const nothing = (): void => {};
    connection.begin(
      {
        onInterimHead: nothing,
        onResponseHead: nothing,
        onResponseBody: nothing,
        onResponseEnd: nothing,
        onUpstreamDrain: nothing,
        onResponseFlush: count,
        onUpstreamFault: (kind) => void faults.push(kind),
      },
      'GET',
      null,
    );
    connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitFor('the request', () => server!.received.length > 0);
    let gone = 0;
    for (const piece of [...pieces, ...pieces.map(() => ''), '', '']) {
      const before = read;
      if (faults.length === 0 && piece !== '') {
        server!.connections[0]!.socket.write(piece);
        await waitFor('the piece', () => read > before);
      }
      if (faults.length > 0) break;
      pass(500);
      gone += 500;
    }
    assert.deepEqual(faults, ['timeout']);
    assert.equal(pool.openCount, 0);
    return gone;
  }

  test('whose head comes in drops has no more time than one that does not come', async () => {
    assert.equal(await failsAfter(['HTTP/1.1 ', '2', '0', '0', ' ', 'O']), 1_000);
  });

  test('may take its time for the body, as long as it comes', async () => {
    assert.equal(await failsAfter(['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n', 'a', 'b', 'c', 'd', 'e']), 3_500);
  });

  test('that is announced by interim answers has its time anew with each', async () => {
    const interim = 'HTTP/1.1 102 Processing\r\n\r\n';
    assert.equal(await failsAfter([interim, interim, interim, interim]), 2_500);
  });
});

describe('kept connections', () => {
  test('are used again, each of its own endpoint', async () => {
    const { pool, taken } = world();
    const first = [await taken(), await taken()].map(({ connection }) => connection);
    for (const connection of first) await use(connection);
    assert.deepEqual([pool.openCount, pool.idleCount], [2, 2]);
    const second = [await taken(true), await taken(true)].map(({ connection }) => connection);
    assert.deepEqual(new Set(second), new Set(first));
    for (const connection of second) connection.destroy();
    assert.equal(pool.openCount, 0);
  });
});

describe('what is too much', () => {
  test('waits for a connection, in order, and gets the one that became free', async () => {
    const { pool, take, taken } = world({ to: [local(servers[0]!.port)], breaker: { connections: 1 } });
    const { connection } = await taken();
    const [second, third] = [take(true), take(true)];
    await use(connection);
    await waitFor('the second', () => second.told !== null);
    assert.equal(second.connection, connection);
    assert.equal(third.told, null);
    // Closed in place of given back: there is room for a new one.
    connection.destroy();
    await waitFor('the third', () => third.told !== null);
    assert.notEqual(third.connection, connection);
    assert.equal(pool.openCount, 1);
  });

  test('makes an idle connection of another endpoint give way', async () => {
    const { pool, taken } = world({ breaker: { connections: 1 } });
    await use((await taken()).connection);
    const other = await taken(true);
    assert.ok(other.connection.isIdle);
    assert.equal(pool.openCount, 1);
  });

  test('does not wait longer than `connect`, and is then told so', async () => {
    const { take, taken, pass, counters } = world({ breaker: { connections: 1 } });
    await taken();
    const second = take();
    pass(1_200);
    assert.equal(second.error.code, 'ERR_OUTBOUND_OVERLOADED');
    assert.match(second.error.message, /no connection became free within 1000 ms/);
    assert.ok(counters.limitsMet.get('peer_connections') > 0);
  });

  test('is refused at once where too many wait, or are under way', async () => {
    const { take, taken, counters } = world({ breaker: { connections: 1, pending: 1 } });
    await taken();
    const waiting = take();
    assert.equal(take().error.code, 'ERR_OUTBOUND_OVERLOADED');
    assert.equal(counters.limitsMet.get('pending'), 1);
    assert.equal(waiting.told, null);
    const few = world({ breaker: { requests: 2 } });
    const under = [await few.taken(), few.take()];
    assert.match(few.take().error.message, /`limits\.requests` of 2 is met/);
    assert.equal(few.counters.limitsMet.get('requests'), 1);
    under[0]!.connection.destroy();
    assert.ok(!isPosternError(few.take().told));
  });

  test('that goes away leaves nothing behind', async () => {
    const { pool, take, taken, wheel } = world({
      to: [local(servers[0]!.port), local(dead)],
      breaker: { connections: 1 },
      silent: [dead],
    });
    const { connection } = await taken();
    const waiting = take();
    pool.cancel(waiting);
    connection.destroy();
    const connecting = take();
    assert.equal(pool.openCount, 1);
    pool.cancel(connecting);
    assert.deepEqual([pool.openCount, wheel.size, waiting.told, connecting.told], [0, 0, null, null]);
  });
});

describe('a name', () => {
  const name = [{ host: 'orders.example', port: 0 }];

  test('that is not resolved yet is awaited by the first calls, and then they go', async () => {
    const answer = Promise.withResolvers<ResolvedName>();
    const { take, pool } = world({ to: [{ ...name[0]!, port: servers[0]!.port }], resolve: () => answer.promise });
    const waiters = [take(), take()];
    assert.deepEqual(
      waiters.map(({ told }) => told),
      [null, null],
    );
    answer.resolve({ addresses: ['127.0.0.1'], ttlMs: 5_000 });
    await waitFor('both', () => waiters.every(({ told }) => told !== null));
    for (const { connection } of waiters) connection.destroy();
    assert.equal(pool.openCount, 0);
  });

  test('that does not resolve fails its calls at once, and the next ones too', async () => {
    const { take, taken, counters } = world({
      to: name,
      resolve: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })),
    });
    assert.equal((await taken()).error.code, 'ERR_OUTBOUND_DNS');
    assert.match(take().error.message, /`orders\.example` does not resolve: ENOTFOUND/);
    assert.equal(counters.upstreamConnectFailures.get('dns'), 2);
  });

  test('of which nothing is heard is not awaited for ever', () => {
    const { take, pass } = world({ to: name, resolve: () => new Promise(() => {}) });
    const waiter = take();
    pass(1_200);
    assert.equal(waiter.error.code, 'ERR_OUTBOUND_DNS');
  });

  test('that moves takes its calls along; those under way end where they are, and silence of DNS changes nothing', async (t) => {
    const dns = await DnsServer.start();
    t.after(() => dns.stop());
    const names = new NameResolver({ hostsFile: '/no/such/file', isOwn: () => false, servers: [dns.address] });
    t.after(() => names.close());
    const [old, moved] = [servers[0]!, await RecordingWorkload.start(undefined, servers[0]!.port, '127.0.0.2')];
    servers.push(moved);
    dns.table.set('orders.example', { addresses: ['127.0.0.1'], ttl: 1 });
    const to = [{ host: 'orders.example', port: old.port }];
    const { pool, taken, pass } = world({ to, resolve: (name) => names.resolve(name) });
    const [kept, running] = [(await taken()).connection, (await taken()).connection];
    await use(kept);
    dns.table.set('orders.example', { addresses: ['127.0.0.2'], ttl: 1 });
    pass(1_200);
    await waitFor('the new endpoint', () => pool.openCount === 0);
    assert.equal(moved.connections.length, 0);
    const there = (await taken(true)).connection;
    await use(there);
    assert.equal(moved.heads.length, 1);
    await use(running);
    assert.equal(old.heads.length, 2);
    dns.isSilent = true;
    const questions = dns.questions.length;
    pass(1_200);
    await waitFor('a question', () => dns.questions.length > questions);
    assert.equal((await taken(true)).connection, there);
    there.destroy();
  });
});
