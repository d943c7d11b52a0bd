// Connections of HTTP/2, from callers and from a workload: frames, header blocks, states, windows, and what goes on to a workload.

import assert from 'node:assert/strict';
import { headLimitsDefaults } from '../../../src/wire/head-limits.ts';
import { clientPreface, h2Codes } from '../../../src/wire/http2/frame-types.ts';
import type { HeaderBlock } from '../../../src/wire/http2/hpack-decoder.ts';
import { readAnswerHead } from '../../../src/wire/http2/http2-answer-head.ts';
import { RequestHeads } from '../../../src/wire/http2/http2-request-head.ts';
import type { Http2Stream } from '../../../src/wire/http2/http2-stream.ts';
import { readFrames, SessionProbe, types } from '../../wire/http2/session-probe.ts';
import { octets, readRequests } from '../../wire/recorded-events.ts';
import type { FuzzTarget } from '../engine/fuzz-target.ts';
import { messagesOf } from '../referees/agreement.ts';
import { forwardedBody, forwardedHead, linesToWorkload } from './forwarding.ts';
import { assertHeadIsClean, cut } from './http-checks.ts';
import { forms, http2Seeds, http2Tokens, mutateFrames } from './http2-inputs.ts';

/** The fuzzing of HTTP/2. */
export const http2Sessions: FuzzTarget = {
  name: 'http2-sessions',
  promise: 'frames cut anywhere mean the same, nothing throws, windows hold, and a stream is one request over HTTP/1.1',
  covers: ['src/wire'],
  seeds: http2Seeds,
  dictionary: http2Tokens,
  mutate: mutateFrames,
  check: checkSession,
};

const codes: ReadonlySet<number> = new Set(Object.values(h2Codes));
const limits = { ...headLimitsDefaults, headBytes: 16_384, fieldCount: 100 };
const asked = [':method', 'POST', ':scheme', 'http', ':authority', 'a', ':path', '/'];

/** A connection that judges heads, and answers as its form says. */
class FuzzedSession extends SessionProbe {
  readonly #heads = new RequestHeads(limits, () => 'dGhlIHNhbXBsZSBub25jZQ==');
  readonly #answers: boolean;

  constructor(form: number) {
    const streamWindowBytes = (form & forms.smallWindow) === 0 ? 65_535 : 20;
    super({ isServer: (form & forms.toClient) === 0, maxStreams: 8, listBytes: 16_384, streamWindowBytes });
    this.#answers = (form & forms.answers) !== 0;
    this.reads = (form & forms.readsNothing) === 0;
    if ((form & forms.toClient) !== 0) this.#call();
    else this.feed(clientPreface);
  }

  override onRequest(stream: Http2Stream, block: HeaderBlock, endStream: boolean): void {
    super.onRequest(stream, block, endStream);
    const head = this.#heads.read(block, endStream);
    if ('kind' in head) {
      assert.match(head.fault.error.code, /^ERR_WIRE_/);
      if (head.kind === 'malformed') stream.reset(h2Codes.protocolError);
      return;
    }
    const text = forwardedHead(head, '192.0.2.1');
    if (text !== null) {
      assertHeadIsClean(text, linesToWorkload);
      const body = head.framing === 'length' ? 'x'.repeat(Math.min(head.contentLength, 99)) : '';
      const whole = head.framing === 'length' && head.contentLength > 99 ? text : text + forwardedBody(head, body, []);
      if (head.upgrade === null) assert.ok(messagesOf(readRequests([octets(whole)])).length <= 1, 'became several');
    }
    if (!this.#answers) return;
    stream.sendHead([':status', '200', 'server', 'postern'], false);
    stream.sendData(Buffer.from('answer'), false);
    stream.sendTrailers(['grpc-status', '0']);
  }

  #call(): void {
    for (const id of [1, 3, 5]) {
      const user = this.user(id);
      const onHead = (block: HeaderBlock, endStream: boolean) => {
        const head = readAnswerHead(block, 'POST', endStream);
        if (typeof head === 'string') this.streams.get(id)?.reset(h2Codes.protocolError);
        return user.onHead(block, endStream);
      };
      const stream = this.session.open({ ...user, onHead });
      assert.ok(stream !== null);
      this.streams.set(id, stream);
      stream.sendHead(asked, false);
      stream.sendData(Buffer.from('question'), id > 1);
    }
    this.written = '';
  }
}

/** Every promise about one connection. */
export function checkSession(input: string): void {
  const form = input.charCodeAt(0) & 15;
  const [whole, parts] = [new FuzzedSession(form), new FuzzedSession(form)];
  whole.feed(input.slice(1));
  for (const piece of cut(input.slice(1))) parts.feed(piece.toString('latin1'));
  assert.deepEqual(meaning(parts.events), meaning(whole.events), 'cutting the input changes what is read');
  assert.deepEqual(besidesCredit(parts), besidesCredit(whole), 'cutting the input changes what is written');
  assert.equal(parts.fault?.h2Code, whole.fault?.h2Code);
  assertEndsOnce(whole);
  assertFramesAreSound(whole);
}

/** Credit is given for half a window or more, and how much that is at once depends on where a frame of DATA was cut. */
function besidesCredit(probe: SessionProbe): readonly unknown[] {
  return readFrames(probe.written).filter(({ type }) => type !== types.window);
}

function assertEndsOnce(probe: SessionProbe): void {
  const ended = new Set<string>();
  const wasReset = new Set<string>();
  for (const event of probe.events) {
    const [, kind = '', id = ''] = /^(\S+) (\d+)/.exec(event) ?? [];
    if (kind === 'goaway' || id === '') continue;
    assert.ok(!wasReset.has(id), 'something was told after a reset');
    if (kind === 'reset') wasReset.add(id);
    if (kind !== 'end') continue;
    assert.ok(!ended.has(id), 'a stream ended twice');
    ended.add(id);
  }
}

function assertFramesAreSound(probe: SessionProbe): void {
  const frames = readFrames(probe.written);
  for (const { type, payload } of frames) {
    assert.ok(payload.length <= 16_384);
    assert.ok(Object.values(types).includes(type));
    if (type === types.rst) assert.ok(codes.has(Buffer.from(payload, 'latin1').readUInt32BE(0)));
    if (type === types.window) assert.ok(Buffer.from(payload, 'latin1').readUInt32BE(0) > 0, 'a credit of nothing');
  }
  const goaways = frames.filter(({ type }) => type === types.goaway);
  assert.equal(goaways.length, probe.fault === null ? 0 : 1, 'GOAWAY once, where the connection is over');
  if (probe.fault === null) return;
  assert.equal(frames.at(-1)?.type, types.goaway, 'nothing is written after GOAWAY');
  assert.equal(probe.fault.error.code, 'ERR_WIRE_HTTP2');
  assert.equal(probe.session.openStreams, 0, 'nothing is kept of a connection that is over');
}

/** That data comes in more pieces is all that a cut may change; and how much of it came of a frame that breaks its stream. */
function meaning(events: readonly string[]): string[] {
  const joined: string[] = [];
  for (const event of events) {
    const parts = /^data (\d+) (.*)$/s.exec(event);
    const before = joined.at(-1);
    const ended = /^reset (\d+) /.exec(event);
    if (ended !== null && before?.startsWith(`data ${ended[1]} `)) joined[joined.length - 1] = event;
    else if (parts !== null && before?.startsWith(`data ${parts[1]} `)) joined[joined.length - 1] = before + parts[2];
    else joined.push(event);
  }
  return joined;
}
