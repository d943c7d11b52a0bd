// Properties of an HTTP/2 connection over sessions of ordinary, damaged and random frames.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HpackEncoder } from '../../../src/wire/http2/hpack-encoder.ts';
import { flags, frame, getBlock, opening, postBlock, SessionProbe, types, uint32 } from './session-probe.ts';

const ids = fc.constantFrom(0, 1, 1, 1, 3, 3, 5, 2, 7);
const payload = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 24,
});
const ordinary = fc.oneof(
  ids.map((id) => frame(types.headers, flags.endHeaders | flags.endStream, id, getBlock)),
  ids.map((id) => frame(types.headers, flags.endHeaders, id, postBlock)),
  ids.map(
    (id) => frame(types.headers, 0, id, postBlock.slice(0, 2)) + frame(types.continuation, 4, id, postBlock.slice(2)),
  ),
  ids.map((id) => frame(types.headers, flags.endHeaders | flags.endStream, id, '\x40\x01a\x01b')),
  fc.tuple(ids, payload, fc.boolean()).map(([id, text, end]) => frame(types.data, end ? 1 : 0, id, text)),
  fc.tuple(ids, payload).map(([id, text]) => frame(types.data, flags.padded, id, `\x02${text}\0\0`)),
  fc.tuple(ids, fc.integer({ min: 0, max: 70_000 })).map(([id, bytes]) => frame(types.window, 0, id, uint32(bytes))),
  ids.map((id) => frame(types.rst, 0, id, uint32(8))),
  fc.constant(frame(types.ping, 0, 0, '12345678')),
  fc.constantFrom(0, 100, 4096).map((size) => frame(types.settings, 0, 0, `\0\x01${uint32(size)}`)),
  fc.constantFrom(0, 1_000, 65_535).map((size) => frame(types.settings, 0, 0, `\0\x04${uint32(size)}`)),
);
const random = fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 255 }), ids, payload);
const session = fc.array(
  fc.oneof(
    { arbitrary: ordinary, weight: 6 },
    { arbitrary: random.map(([type, set, id, text]) => frame(type, set, id, text)), weight: 1 },
  ),
  { maxLength: 25 },
);
/** Some octets become others. */
const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 });
const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

function damaged(text: string, changes: readonly (readonly [number, number])[]): string {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length > 0) for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
  return bytes.toString('latin1');
}

/** Data joined: that it comes in more pieces is all that a cut may change. */
function meaning(events: readonly string[]): string[] {
  const joined: string[] = [];
  for (const event of events) {
    const parts = /^data (\d+) (.*)$/s.exec(event);
    const before = joined.at(-1);
    if (parts !== null && before?.startsWith(`data ${parts[1]} `)) joined[joined.length - 1] = before + parts[2];
    else joined.push(event);
  }
  return joined;
}

function cut(text: string, at: readonly number[]): string[] {
  const places = [0, ...at.map((share) => Math.floor(share * text.length)), text.length].sort((a, b) => a - b);
  return places.slice(1).map((place, index) => text.slice(places[index], place));
}

function run(pieces: readonly string[]): SessionProbe {
  const probe = new SessionProbe();
  for (const piece of pieces) probe.feed(piece);
  return probe;
}

describe('cutting the input', () => {
  test('anywhere changes neither what is told nor what is written', () => {
    fc.assert(
      fc.property(session, damage, shares, (frames, changes, at) => {
        const input = opening + damaged(frames.join(''), changes);
        const [inOne, inParts] = [run([input]), run(cut(input, at))];
        assert.deepEqual(meaning(inParts.events), meaning(inOne.events));
        assert.equal(inParts.written, inOne.written);
        assert.equal(inParts.fault?.h2Code, inOne.fault?.h2Code);
      }),
      { numRuns: 1_200 },
    );
  });

  test('after every octet changes nothing either', () => {
    fc.assert(
      fc.property(session, (frames) => {
        const input = opening + frames.join('');
        const [inOne, inParts] = [run([input]), run([...input])];
        assert.deepEqual(meaning(inParts.events), meaning(inOne.events));
        assert.equal(inParts.written, inOne.written);
      }),
      { numRuns: 150 },
    );
  });
});

test('nothing that a peer sends makes an exception, and every stream that was told of ends once', () => {
  fc.assert(
    fc.property(session, damage, fc.boolean(), (frames, changes, answers) => {
      const probe = new SessionProbe();
      probe.feed(opening);
      for (const one of frames) {
        probe.feed(damaged(one, changes));
        if (answers) for (const stream of probe.streams.values()) answer(stream);
      }
      for (const id of probe.streams.keys()) {
        const ends = probe.events.filter((event) => event.startsWith(`end ${id}`)).length;
        const resets = probe.events.filter((event) => event.startsWith(`reset ${id} `)).length;
        assert.ok(ends <= 1 && resets <= 1, probe.events.join('\n'));
      }
    }),
    { numRuns: 600 },
  );
});

test('what one side sends arrives at the other as it was, whatever the windows and the cuts', () => {
  const bodies = fc.array(fc.tuple(fc.nat(150_000), fc.boolean()), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(bodies, shares, fc.constantFrom(100, 5_000, 65_535, 1_000_000), (sizes, at, window) => {
      const server = new SessionProbe({ streamWindowBytes: window });
      const client = new SessionProbe({ isServer: false });
      exchange(client, server, at);
      const sent = sizes.map(([size, trailers], index) => {
        const stream = client.session.open(client.user(index * 2 + 1))!;
        client.streams.set(stream.id, stream);
        stream.sendHead([':method', 'POST', ':scheme', 'http', ':authority', 'a', ':path', `/${index}`], false);
        stream.sendData(Buffer.alloc(size, 97 + index), !trailers);
        if (trailers) stream.sendTrailers(['x-sum', String(size)]);
        return { id: stream.id, size, trailers };
      });
      exchange(client, server, at);
      for (const { id, size, trailers } of sent) {
        const received = server.events
          .filter((event) => event.startsWith(`data ${id} `))
          .reduce((sum, event) => sum + event.length - `data ${id} `.length, 0);
        assert.deepEqual([received, server.events.includes(`end ${id}${trailers ? ' x-sum' : ''}`)], [size, true]);
      }
      assert.deepEqual([client.fault, server.fault], [null, null]);
    }),
    { numRuns: 40 },
  );
});

/** Hands over what each wrote, in pieces, until neither has more to say. */
function exchange(client: SessionProbe, server: SessionProbe, at: readonly number[]): void {
  for (let turn = 0; turn < 20_000 && client.written + server.written !== ''; turn++) {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const text = from.written;
      from.written = '';
      for (const piece of cut(text, at)) to.feed(piece);
    }
  }
}

function answer(stream: Parameters<SessionProbe['onRequest']>[0]): void {
  stream.sendHead([':status', '200', 'server', 'postern'], false);
  stream.sendData(Buffer.from('answer'), true);
}

test('blocks of our own are read by a decoder of the same table size only', () => {
  const encoder = new HpackEncoder();
  encoder.setPeerTableBytes(0);
  const block = encoder.begin() + encoder.field('server', 's');
  assert.equal(encoder.tableBytes, 0);
  const probe = new SessionProbe().feed(opening + frame(types.headers, 5, 1, `${block}\x82`));
  assert.ok(probe.events[0]?.includes('server=s'));
});
