// The addresses of a name follow the hosts file and DNS by the TTL of the records; the last good ones stay while nobody answers.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { addressesIn } from '../../src/proxy/endpoints/hosts-file.ts';
import { NameResolver, type ResolvedName } from '../../src/proxy/endpoints/name-resolver.ts';
import { WatchedName } from '../../src/proxy/endpoints/watched-name.ts';
import { DnsServer } from '../harness/dns-server.ts';
import { put, temporaryFolder } from '../harness/sidecar-process.ts';

describe('the hosts file', () => {
  const text =
    '# 10.0.0.1 orders\n10.0.0.2\torders orders.shop # 10.0.0.3 more\n::7 Orders.Shop\nnonsense orders\n10.0.0.4 x\n';
  const rows: readonly (readonly [name: string, addresses: readonly string[]])[] = [
    ['orders', ['10.0.0.2']],
    ['orders.shop', ['10.0.0.2', '::7']],
    ['more', []],
    ['shop', []],
  ];
  for (const [name, addresses] of rows) {
    test(`${name} is ${addresses.join(' and ') || 'not there'}`, () =>
      assert.deepEqual(addressesIn(text, name), addresses));
  }

  test('any text is read without a fault, and gives IP addresses only', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (any) => {
        for (const address of addressesIn(`${any}\n1.2.3.4 a`, 'a')) assert.match(address, /^[0-9a-f.:%]+/i);
      }),
      { numRuns: 200 },
    );
  });
});

describe('what a name stands for', () => {
  let dns: DnsServer;
  let names: NameResolver;
  const cleanups: (() => void)[] = [];
  before(async () => {
    dns = await DnsServer.start();
    const dir = temporaryFolder({ after: (fn: () => void) => void cleanups.push(fn) });
    const hostsFile = put(dir, 'hosts', '10.9.9.9 pinned.example\n127.1.0.7 led.example led\n::1 six.example\n');
    const own = ['127.1.0.7', '127.0.0.1', '::1'];
    names = new NameResolver({ hostsFile, isOwn: (address) => own.includes(address), servers: [dns.address] });
  });
  after(async () => {
    names.close();
    await dns.stop();
    for (const cleanup of cleanups) cleanup();
  });
  beforeEach(() => void dns.questions.splice(0));

  test('is in the hosts file: DNS is not asked', async () => {
    assert.deepEqual((await names.resolve('pinned.example')).addresses, ['10.9.9.9']);
    assert.deepEqual(dns.questions, []);
  });

  test('is not the own listener to which the hosts file leads programs: then DNS knows', async () => {
    dns.table.set('led.example', { addresses: ['10.0.0.3'], ttl: 9 });
    assert.deepEqual((await names.resolve('led.example')).addresses, ['10.0.0.3']);
    assert.deepEqual(dns.questions, ['led.example A']);
  });

  test('is this machine, also where it has no IPv4 and an own listener is there, too', async () => {
    assert.deepEqual((await names.resolve('six.example')).addresses, ['::1']);
    assert.deepEqual((await names.resolve('localhost')).addresses, ['127.0.0.1']);
  });

  test('is this machine, whatever DNS says of localhost', async () => {
    dns.table.set('x.localhost', { addresses: ['10.0.0.1'], ttl: 9 });
    assert.deepEqual((await names.resolve('x.localhost')).addresses, ['127.0.0.1']);
    assert.deepEqual(dns.questions, []);
  });

  test('comes from DNS, sorted, with its time to live', async () => {
    dns.table.set('orders.example', { addresses: ['10.0.0.9', '10.0.0.10', 'fd00::7'], ttl: 17 });
    assert.deepEqual(await names.resolve('orders.example'), { addresses: ['10.0.0.10', '10.0.0.9'], ttlMs: 17_000 });
  });

  test('is kept for whoever asks next', () => {
    assert.deepEqual([names.known('orders.example').length, names.known('never.example').length], [2, 0]);
  });

  test('is IPv6 where there is nothing else', async () => {
    dns.table.set('seven.example', { addresses: ['fd00::7'], ttl: 4 });
    assert.deepEqual(await names.resolve('seven.example'), { addresses: ['fd00::7'], ttlMs: 4_000 });
  });

  test('has an end: of very many addresses some are used', async () => {
    dns.table.set('many.example', { addresses: Array.from({ length: 100 }, (_, at) => `10.0.1.${at}`), ttl: 4 });
    assert.equal((await names.resolve('many.example')).addresses.length, 64);
  });
});

/** A name whose answers the test gives by hand, under its own clock. */
function watched(known: readonly string[] = []) {
  const clock = new ManualClock(0);
  const wheel = new TimerWheel({ clock, tickMs: 100, onError: assert.ifError });
  const asked: PromiseWithResolvers<ResolvedName>[] = [];
  const counts = { changes: 0, failures: 0 };
  const name = new WatchedName('orders.example', {
    names: {
      resolve: () => {
        const turn = Promise.withResolvers<ResolvedName>();
        asked.push(turn);
        return turn.promise;
      },
      known: () => known,
    },
    wheel,
    random: () => 0,
    onChange: () => counts.changes++,
    onFailure: () => counts.failures++,
    onFault: assert.ifError,
  });
  const pass = (ms: number): void => {
    for (let gone = 0; gone < ms; gone += 100) {
      clock.advance(100);
      wheel.turn();
    }
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const answer = async (ttlMs: number, ...addresses: string[]): Promise<void> => {
    asked.at(-1)!.resolve({ addresses, ttlMs });
    await settle();
  };
  const fail = async (): Promise<void> => {
    asked.at(-1)!.reject(Object.assign(new Error('no'), { code: 'ESERVFAIL' }));
    await settle();
  };
  return { name, asked, counts, pass, answer, fail, wheel };
}

describe('over time', () => {
  test('a name is asked for as its TTL ends, and only a change is told', async () => {
    const { name, asked, counts, pass, answer } = watched();
    await answer(3_000, '10.0.0.1');
    pass(2_900);
    assert.equal(asked.length, 1);
    pass(300);
    assert.equal(asked.length, 2);
    await answer(3_000, '10.0.0.1');
    assert.equal(counts.changes, 1);
    pass(3_200);
    await answer(3_000, '10.0.0.2');
    assert.deepEqual(name.addresses, ['10.0.0.2']);
    assert.equal(counts.changes, 2);
  });

  test('a TTL of 0 does not make a flood, and one of a year does not last', async () => {
    const { asked, pass, answer } = watched();
    await answer(0, '10.0.0.1');
    pass(900);
    assert.equal(asked.length, 1);
    pass(300);
    assert.equal(asked.length, 2);
    await answer(365 * 86_400_000, '10.0.0.1');
    pass(300_200);
    assert.equal(asked.length, 3);
  });

  test('while nobody answers the last good addresses stay, and the questions get rarer', async () => {
    const { name, asked, counts, pass, answer, fail } = watched();
    await answer(1_000, '10.0.0.1');
    pass(1_200);
    const waits: number[] = [];
    for (let times = 0; times < 7; times++) {
      await fail();
      const before = asked.length;
      let waited = 0;
      for (; asked.length === before; waited += 100) pass(100);
      waits.push(Math.round(waited / 500) * 500);
    }
    assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    assert.equal(counts.failures, 7);
    assert.deepEqual(name.addresses, ['10.0.0.1']);
    assert.equal(counts.changes, 1);
  });

  test('what another has learnt is known from the begin', async () => {
    const { name, counts, answer } = watched(['10.0.0.1']);
    assert.deepEqual(name.addresses, ['10.0.0.1']);
    await answer(1_000, '10.0.0.1');
    assert.equal(counts.changes, 0);
  });

  test('an answer without an address, and one that never comes, are failures', async () => {
    const { name, asked, counts, pass, answer } = watched();
    await answer(5_000);
    assert.equal(counts.failures, 1);
    assert.match(name.error?.message ?? '', /no address/);
    pass(1_200);
    assert.equal(asked.length, 2);
    pass(10_200);
    assert.equal(counts.failures, 2);
    assert.match(name.error?.message ?? '', /no answer within/);
  });

  test('an answer that comes after its time, or after the end, changes nothing', async () => {
    const { name, asked, counts, pass, answer, wheel } = watched();
    pass(10_200);
    const [late] = asked;
    late!.resolve({ addresses: ['10.0.0.1'], ttlMs: 1_000 });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(name.addresses, []);
    pass(1_200);
    name.close();
    await answer(1_000, '10.0.0.2');
    assert.deepEqual([name.addresses, counts.changes, wheel.size], [[], 0, 0]);
  });

  test('a call that finds nothing asks at once, but not more often than each second', async () => {
    const { name, asked, pass, fail } = watched();
    for (let times = 0; times < 6; times++) {
      await fail();
      pass(times < 5 ? 15_100 : 0);
    }
    const before = asked.length;
    name.hurry();
    assert.equal(asked.length, before);
    pass(1_000);
    name.hurry();
    name.hurry();
    assert.equal(asked.length, before + 1);
  });
});
