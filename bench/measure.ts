// The order of measuring: round by round, every proxy once a round, the order turned by one each round. So a pair of
// samples is always seconds apart, and nobody is always first after a pause.

import { type Contestant, enter, type Stage } from './lineup.ts';
import type { Peer, PeerName } from './peers/peer.ts';
import type { Measured, Sample, Scenario } from './scenarios.ts';

export type SampleOwner = PeerName | 'direct';

/** All samples of a scenario; the n-th samples of two owners belong to the same round. */
export type Samples = ReadonlyMap<SampleOwner, readonly Sample[]>;

/** How to measure. */
export interface MeasurePlan {
  readonly stage: Stage;
  readonly scenario: Scenario;
  readonly peers: readonly Peer[];
  readonly rounds: number;
  /** Hears of each sample, for the impatient. */
  readonly onSample: (owner: SampleOwner, round: number, sample: Sample) => void;
  /** Hears what a sample of many parts has done so far. */
  readonly onStep?: (owner: SampleOwner, round: number, step: string) => void;
}

export async function measure(plan: MeasurePlan): Promise<Samples> {
  const kept: Contestant[] = [];
  const entrants: Entrant[] = [];
  try {
    if (plan.scenario.direct) entrants.push(directEntrant(plan.stage));
    const { protocol } = plan.scenario;
    for (const peer of plan.peers) {
      if (protocol === 'tcp' && peer.relays === undefined) continue;
      if (protocol === 'http2' && peer.speaksHttp2 === undefined) continue;
      if (plan.scenario.fresh) {
        entrants.push({ owner: peer.name, sample: (take) => withFresh(plan, peer, take) });
        continue;
      }
      const contestant = await enter(plan.stage, peer, protocol);
      kept.push(contestant);
      entrants.push({ owner: peer.name, sample: (take) => take(contestant) });
    }
    return await takeRounds(plan, entrants);
  } finally {
    await Promise.all(kept.map((contestant) => contestant.stop()));
  }
}

/** One that is measured, and how to get at it. */
interface Entrant {
  readonly owner: SampleOwner;
  sample(take: (measured: Measured) => Promise<Sample>): Promise<Sample>;
}

async function takeRounds(plan: MeasurePlan, entrants: readonly Entrant[]): Promise<Samples> {
  const samples = new Map<SampleOwner, Sample[]>(entrants.map(({ owner }) => [owner, []]));
  for (let round = 0; round < plan.rounds; round += 1) {
    const turn = round % entrants.length;
    for (const entrant of [...entrants.slice(turn), ...entrants.slice(0, turn)]) {
      const onStep = (step: string): void => plan.onStep?.(entrant.owner, round, step);
      const sample = await entrant.sample((measured) => plan.scenario.measure(measured, plan.stage, onStep));
      samples.get(entrant.owner)?.push(sample);
      plan.onSample(entrant.owner, round, sample);
    }
  }
  return samples;
}

function directEntrant(stage: Stage): Entrant {
  return { owner: 'direct', sample: (take) => take({ target: stage.direct, pids: () => [] }) };
}

async function withFresh(
  { stage, scenario }: Pick<MeasurePlan, 'stage' | 'scenario'>,
  peer: Peer,
  take: (measured: Measured) => Promise<Sample>,
): Promise<Sample> {
  const contestant = await enter(stage, peer, scenario.protocol);
  try {
    return await take(contestant);
  } finally {
    await contestant.stop();
  }
}
