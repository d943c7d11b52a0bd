// Who of several endpoints is asked: each in turn or the least busy, those that fail left out for a while, never too many.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../src/lib/clock.ts';
import { TimerWheel } from '../../src/lib/timer-wheel.ts';
import { type Balance, type EjectionOptions, ejectionDefaults } from '../../src/proxy/endpoints/endpoint-options.ts';
import { type EndpointReports, EndpointSet } from '../../src/proxy/endpoints/endpoint-set.ts';
import type { ResolvedName } from '../../src/proxy/endpoints/name-resolver.ts';

class Link {
  readonly address: string;
  readonly reports: EndpointReports;
  active = 0;
  isClosed = false;

  constructor(address: string, reports: EndpointReports) {
    this.address = address;
    this.reports = reports;
  }

  close(): void {
    this.isClosed = true;
  }
}

interface Setup {
  readonly to: readonly string[];
  readonly balance?: Balance;
  readonly ejection?: Partial<EjectionOptions>;
  /** What a name gives, one answer a question. */
  readonly answers?: readonly (readonly string[])[];
  readonly random?: () => number;
}

function world({ to, balance = 'round_robin', ejection = {}, answers = [], random = () => 0 }: Setup) {
  const clock = new ManualClock(0);
  const wheel = new TimerWheel({ clock, tickMs: 100, onError: assert.ifError });
  const ejected: string[] = [];
  const counters = { nameFailures: 0, ejections: { add: (reason: string) => void ejected.push(reason) } };
  const left = [...answers];
  let changes = 0;
  const links: Link[] = [];
  const set = new EndpointSet<Link>({
    to: to.map((host) => ({ host, port: 1 })),
    balance,
    ejection: { ...ejectionDefaults, ...ejection },
    names: {
      known: () => [],
      resolve: (): Promise<ResolvedName> => {
        const addresses = left.shift();
        return addresses === undefined
          ? Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
          : Promise.resolve({ addresses, ttlMs: 1_000 });
      },
    },
    wheel,
    random,
    counters,
    makeLink: ({ address }, reports) => {
      const link = new Link(address, reports);
      links.push(link);
      return link;
    },
    onChange: () => void changes++,
    onFault: assert.ifError,
  });
  const pass = async (ms: number): Promise<void> => {
    for (let gone = 0; gone < ms; gone += 100) {
      clock.advance(100);
      wheel.turn();
    }
    await new Promise((resolve) => setImmediate(resolve));
  };
  const chosen = (times: number): string[] =>
    Array.from({ length: times }, () => set.choose()?.link.address ?? 'nobody');
  const fail = (address: string, times: number): void => {
    for (let at = 0; at < times; at++) links.find((one) => one.address === address)!.reports.failed();
  };
  return { set, links, ejected, counters, pass, chosen, fail, changes: () => changes };
}

const four = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'] as const;
const shares = (all: readonly string[]) => {
  const counts: Record<string, number> = {};
  for (const one of all) counts[one] = (counts[one] ?? 0) + 1;
  return counts;
};

describe('whose turn it is', () => {
  test('goes round', () => {
    assert.deepEqual(world({ to: four }).chosen(6), [...four, '10.0.0.1', '10.0.0.2']);
  });

  test('begins anywhere, so that sidecars that start together do not all ask the first', () => {
    assert.deepEqual(world({ to: four, random: () => 0.99 }).chosen(2), ['10.0.0.2', '10.0.0.3']);
  });

  test('is that of the least busy, and among equals goes round', () => {
    const { links, chosen } = world({ to: four, balance: 'least_requests' });
    for (const link of links) link.active = 3;
    links[2]!.active = 1;
    assert.deepEqual(chosen(2), ['10.0.0.3', '10.0.0.3']);
    links[2]!.active = 3;
    assert.deepEqual(new Set(chosen(4)), new Set(four));
  });

  test('is never that of one who was tried for this request, and then that of nobody', () => {
    const { set } = world({ to: four.slice(0, 2) });
    const [first, second] = set.all;
    assert.equal(set.choose(new Set([first!]))?.link.address, '10.0.0.2');
    assert.equal(set.choose(new Set([first!, second!])), null);
  });
});

describe('names', () => {
  test('stand for all their addresses; who stays keeps its connections, who goes is closed, and the rest is asked', async () => {
    const { set, links, pass, chosen, changes } = world({
      to: ['a.example', '10.0.0.9'],
      answers: [
        ['10.0.0.1', '10.0.0.2'],
        ['10.0.0.2', '10.0.0.3'],
      ],
    });
    assert.deepEqual(chosen(1), ['10.0.0.9']);
    await pass(100);
    assert.deepEqual(new Set(chosen(3)), new Set(['10.0.0.1', '10.0.0.2', '10.0.0.9']));
    await pass(1_100);
    assert.deepEqual(new Set(chosen(6)), new Set(['10.0.0.2', '10.0.0.3', '10.0.0.9']));
    assert.deepEqual(
      links.map(({ address, isClosed }) => [address, isClosed]),
      [
        ['10.0.0.9', false],
        ['10.0.0.1', true],
        ['10.0.0.2', false],
        ['10.0.0.3', false],
      ],
    );
    assert.equal(changes(), 2);
    set.close();
    assert.ok(links.every((one) => one.isClosed));
  });

  test('that do not resolve are told once all were asked, and the last good addresses stay', async () => {
    const { set, pass, chosen, counters } = world({ to: ['a.example'], answers: [] });
    assert.deepEqual([set.choose(), set.fault], [null, null]);
    await pass(100);
    assert.equal(set.fault?.code, 'ERR_OUTBOUND_DNS');
    assert.match(set.fault.message, /`a\.example` does not resolve: ENOTFOUND/);
    const known = world({ to: ['a.example'], answers: [['10.0.0.1']] });
    await known.pass(100);
    await known.pass(5_000);
    assert.ok(known.counters.nameFailures > 0);
    assert.deepEqual([known.set.fault, known.chosen(1)], [null, ['10.0.0.1']]);
    assert.ok(counters.nameFailures > 0);
    assert.deepEqual(chosen(1), ['nobody']);
  });
});

describe('ejection', () => {
  test('takes failures in a row; an answer between begins anew', () => {
    const { links, chosen, fail, ejected } = world({ to: four });
    fail('10.0.0.2', 2);
    links[1]!.reports.answered(500);
    fail('10.0.0.2', 2);
    assert.ok(chosen(4).includes('10.0.0.2'));
    fail('10.0.0.2', 1);
    assert.ok(!chosen(8).includes('10.0.0.2'));
    assert.deepEqual(ejected, ['failure']);
  });

  test('counts the errors of gateways where it is told to, and no other answers', () => {
    const { links, chosen } = world({ to: four, ejection: { gatewayErrors: 3 } });
    for (const status of [502, 503, 500, 503, 504]) links[0]!.reports.answered(status);
    assert.ok(chosen(4).includes('10.0.0.1'));
    links[0]!.reports.answered(502);
    assert.ok(!chosen(8).includes('10.0.0.1'));
    const deaf = world({ to: four, ejection: { gatewayErrors: Number.POSITIVE_INFINITY } });
    for (let times = 0; times < 50; times++) deaf.links[0]!.reports.answered(503);
    assert.ok(deaf.chosen(4).includes('10.0.0.1'));
  });

  test('never takes more than its share, and the others are asked whatever they do', () => {
    const { set, chosen, fail } = world({ to: four });
    for (const address of four) fail(address, 10);
    assert.equal(set.states().ejected, 2);
    assert.deepEqual(new Set(chosen(8)), new Set(['10.0.0.3', '10.0.0.4']));
    const alone = world({ to: ['10.0.0.1'] });
    alone.fail('10.0.0.1', 100);
    assert.deepEqual(alone.chosen(2), ['10.0.0.1', '10.0.0.1']);
  });

  test('asks the ejected too where nobody else is left to try', () => {
    const { set, fail } = world({ to: four.slice(0, 2) });
    fail('10.0.0.1', 3);
    const healthy = set.all.find(({ link }) => link.address === '10.0.0.2')!;
    assert.equal(set.choose(new Set([healthy]))?.link.address, '10.0.0.1');
  });

  test('ends, lasts longer each time, and the one who came back begins with a small share', async () => {
    let dice = 0;
    const random = (): number => (dice = (dice + 0.37) % 1);
    const { chosen, fail, pass, set } = world({ to: four, random });
    fail('10.0.0.1', 3);
    await pass(4_900 / 2 - 100);
    assert.ok(!chosen(8).includes('10.0.0.1'));
    await pass(2_700);
    assert.equal(set.states().slow_start, 1);
    const early = shares(chosen(400))['10.0.0.1'] ?? 0;
    assert.ok(early > 0 && early < 50, `${early} of 400 at the beginning`);
    await pass(5_000);
    const half = shares(chosen(400))['10.0.0.1'] ?? 0;
    assert.ok(half > early && half < 100, `${half} of 400 half way`);
    fail('10.0.0.1', 1);
    assert.equal(set.states().ejected, 1);
    await pass(4_900);
    assert.equal(set.states().ejected, 1, 'the second time it is at least as long as the first at most');
    await pass(5_200);
    assert.equal(set.states().slow_start, 1);
    await pass(10_200);
    assert.equal(set.states().in_rotation, 4);
    assert.equal(shares(chosen(400))['10.0.0.1'], 100);
  });
});

test('whatever happens, somebody is asked, and never more than half are out', () => {
  const event = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom('fail', 'ok', 'gateway', 'time'));
  fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 60 }),
      fc.constantFrom<Balance>('round_robin', 'least_requests'),
      async (events, balance) => {
        const { links, set, pass } = world({ to: four, balance, random: () => 0.5 });
        for (const [at, what] of events) {
          if (what === 'time') await pass(1_700);
          else if (what === 'fail') links[at]!.reports.failed();
          else links[at]!.reports.answered(what === 'ok' ? 200 : 503);
          assert.ok(set.states().ejected <= 2);
          assert.notEqual(set.choose(), null);
        }
      },
    ),
    { numRuns: 30 },
  );
});
