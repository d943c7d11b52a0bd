import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addedP99Ms, judge } from '../../bench/budgets.ts';
import type { SampleOwner, Samples } from '../../bench/measure.ts';
import type { ScenarioName } from '../../bench/scenarios.ts';

/** Samples of one metric by owner. */
function samplesOf(metric: string, values: Partial<Record<SampleOwner, readonly number[]>>): Samples {
  const entries = Object.entries(values) as [SampleOwner, readonly number[]][];
  return new Map(entries.map(([owner, list]) => [owner, list.map((value) => ({ [metric]: value }))]));
}

function verdict(scenario: ScenarioName, samples: Samples, what: RegExp) {
  return judge(scenario, samples).find(({ budget }) => what.test(budget.what));
}

describe('budgets', () => {
  for (const { scenario, metric, peer, postern, other, met } of [
    { scenario: 'keep-alive', metric: 'cpuUsPerRequest', peer: 'envoy', postern: 54, other: 100, met: true },
    { scenario: 'keep-alive', metric: 'cpuUsPerRequest', peer: 'envoy', postern: 56, other: 100, met: false },
    { scenario: 'keep-alive', metric: 'cpuUsPerRequest', peer: 'haproxy', postern: 111, other: 100, met: false },
    { scenario: 'download', metric: 'mbPerCpuSecond', peer: 'nginx', postern: 81, other: 100, met: true },
    { scenario: 'download', metric: 'mbPerCpuSecond', peer: 'nginx', postern: 79, other: 100, met: false },
    { scenario: 'handshake', metric: 'cpuUsPerConnection', peer: 'haproxy', postern: 101, other: 100, met: false },
    { scenario: 'memory', metric: 'heldMb', peer: 'envoy', postern: 99, other: 100, met: true },
  ] as const) {
    it(`${scenario} of ${postern} against ${peer}'s ${other} is ${met ? 'met' : 'missed'}`, () => {
      const samples = samplesOf(metric, { postern: [postern, postern], [peer]: [other, other] });
      assert.equal(verdict(scenario, samples, new RegExp(peer))?.met, met);
    });
  }

  it('holds the p99 beside each attack against twice the quiet one', () => {
    assert.equal(verdict('attack', samplesOf('silent', { postern: [1.9, 9, 1] }), /^silent$/)?.met, true);
    assert.equal(verdict('attack', samplesOf('silent', { postern: [2.1, 9, 1] }), /^silent$/)?.met, false);
  });

  it('says nothing about a peer that was not there', () => {
    assert.deepEqual(judge('keep-alive', samplesOf('cpuUsPerRequest', { postern: [50] })), []);
  });

  it('is missed, not met, when nothing was measured', () => {
    const samples = samplesOf('another', { postern: [1], envoy: [1] });
    assert.equal(verdict('keep-alive', samples, /envoy/)?.met, false);
  });

  it('compares what is added to the direct call of the same round', () => {
    const p99 = { direct: [1, 5, 1], postern: [1.5, 5.5, 9], envoy: [2, 6, 2], haproxy: [1.4, 5.4, 1.4] };
    const samples = samplesOf('p99Ms', p99);
    assert.equal(addedP99Ms(samples, 'postern'), 0.5);
    assert.equal(verdict('constant-rate', samples, /envoy/)?.met, true);
    assert.equal(verdict('constant-rate', samples, /haproxy/)?.met, false);
  });

  it('lets an absolute time fail nothing', () => {
    const found = verdict('start', samplesOf('readyMs', { postern: [2000] }), /readyMs/);
    assert.equal(found?.met, false);
    assert.equal(found?.budget.enforced, false);
  });
});
