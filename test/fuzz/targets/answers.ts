// Answers of a workload: the parser, and what goes on to the peer.

import assert from 'node:assert/strict';
import { octets, onlyHead, readRequests, readResponses } from '../../wire/recorded-events.ts';
import type { FuzzTarget } from '../engine/fuzz-target.ts';
import { digestOf } from '../engine/seeded-random.ts';
import { assertAnswerReadsAlike, messagesOf } from '../referees/agreement.ts';
import { forwardedAnswer, linesToPeer } from './forwarding.ts';
import {
  assertFaultsAreOurs,
  assertFramingIsPlain,
  assertHeadIsClean,
  assertTrailersAreClean,
  cut,
  meaning,
} from './http-checks.ts';
import { answerSeeds, httpTokens } from './http-inputs.ts';

/** The requests that an answer may be to. */
const asked = ['GET / HTTP/1.1', 'HEAD / HTTP/1.1', 'GET / HTTP/1.0', 'POST / HTTP/1.1'].map((line) =>
  onlyHead(readRequests([octets(`${line}\r\nHost: a\r\n\r\n`)])),
);

/** The fuzzing of answers. */
export const answers: FuzzTarget = {
  name: 'answers',
  promise: 'what is taken of a workload reaches the peer as one answer, read alike by Node and http-parser-js',
  covers: ['src/wire', 'src/proxy'],
  seeds: answerSeeds,
  dictionary: httpTokens,
  check: checkAnswers,
};

/** Every promise about what a workload sends. */
export async function checkAnswers(input: string): Promise<void> {
  const request = asked[digestOf(input) % asked.length]!;
  const upgrade = digestOf(input) % 5 === 0 ? { accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' } : {};
  const options = { methods: [request.method, 'GET'], end: true, ...upgrade };
  const events = readResponses([octets(input)], options);
  assert.deepEqual(
    meaning(readResponses(cut(input), options)),
    meaning(events),
    'cutting the input changes what is read',
  );
  assertFaultsAreOurs(events);
  assertFramingIsPlain(events);
  const switches = events.some((event) => event.kind === 'head' && event.head.status === 101);
  if (switches || !events.some((event) => event.kind === 'end')) return;
  const text = forwardedAnswer(events, request);
  const interims = request.minorVersion === 0 ? 0 : events.findIndex((event) => event.kind === 'head');
  assertHeadsAreClean(text, interims);
  const [read] = messagesOf(readResponses([octets(text)], { methods: [request.method], end: true }));
  assertTrailersAreClean(read?.trailers ?? []);
  await assertAnswerReadsAlike(text, request.method);
}

function assertHeadsAreClean(text: string, interims: number): void {
  const heads = text.split('\r\n\r\n').slice(0, interims + 1);
  for (const [at, head] of heads.entries()) assertHeadIsClean(`${head}\r\n\r\n`, at === interims ? linesToPeer : []);
}
