// What a connection does with each frame, in each state (RFC 9113): the cases of h2spec and more, by section. What came before
// the frame at fault is served; then a stream or the connection ends with the right code.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clientPreface } from '../../../src/wire/http2/frame-types.ts';
import {
  flags,
  frame,
  getBlock,
  opening,
  postBlock,
  readFrames,
  SessionProbe,
  types,
  uint32,
} from './session-probe.ts';

const whole = flags.endHeaders | flags.endStream;
const get = frame(types.headers, whole, 1, getBlock);
const post = frame(types.headers, flags.endHeaders, 1, postBlock);
const protocolError = 1;
const flowControlError = 3;
const streamClosed = 5;
const frameSizeError = 6;
const compressionError = 9;
const enhanceYourCalm = 11;

/** Cases that end the connection. */
const connectionFaults: readonly (readonly [name: string, code: number, input: string])[] = [
  ['§3.4: another preface', protocolError, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['§3.4: a preface with another end', protocolError, `${clientPreface.slice(0, -1)}x`],
  ['§3.4: no SETTINGS first', protocolError, clientPreface + frame(types.ping, 0, 0, '12345678')],
  ['§3.4: HEADERS first', protocolError, clientPreface + get],
  ['§3.4: DATA first', protocolError, clientPreface + frame(types.data, 0, 1, 'a')],
  [
    '§4.2: DATA above the largest size',
    frameSizeError,
    `${opening}${post}${frame(types.data, 0, 1, 'a'.repeat(16_385))}`,
  ],
  [
    '§4.2: HEADERS above the largest size',
    frameSizeError,
    opening + frame(types.headers, whole, 1, 'a'.repeat(16_385)),
  ],
  ['§4.3: a header block that does not decode', compressionError, opening + frame(types.headers, whole, 1, '\x80')],
  ['§5.1: DATA of an idle stream', protocolError, opening + frame(types.data, 1, 1, 'a')],
  ['§5.1: RST_STREAM of an idle stream', protocolError, opening + frame(types.rst, 0, 1, uint32(8))],
  ['§5.1: WINDOW_UPDATE of an idle stream', protocolError, opening + frame(types.window, 0, 1, uint32(9))],
  ['§5.1: CONTINUATION of an idle stream', protocolError, opening + frame(types.continuation, 4, 1, getBlock)],
  [
    '§5.1: DATA after RST_STREAM',
    streamClosed,
    opening + post + frame(types.rst, 0, 1, uint32(8)) + frame(types.data, 0, 1, 'a'),
  ],
  ['§5.1: HEADERS after RST_STREAM', streamClosed, opening + post + frame(types.rst, 0, 1, uint32(8)) + get],
  ['§5.1.1: a stream of an even number', protocolError, opening + frame(types.headers, whole, 2, getBlock)],
  [
    '§5.1.1: a number below one that was used',
    streamClosed,
    opening + frame(types.headers, whole, 5, getBlock) + frame(types.headers, whole, 3, getBlock),
  ],
  ['§6.1: DATA of stream 0', protocolError, opening + frame(types.data, 0, 0, 'a')],
  ['§6.1: DATA padded beyond its end', protocolError, opening + post + frame(types.data, flags.padded, 1, '\x05abcd')],
  ['§6.1: DATA padded without room', frameSizeError, opening + post + frame(types.data, flags.padded, 1, '')],
  ['§6.2: HEADERS of stream 0', protocolError, opening + frame(types.headers, whole, 0, getBlock)],
  [
    '§6.2: HEADERS padded beyond their end',
    protocolError,
    opening + frame(types.headers, whole | flags.padded, 1, `\x20${getBlock}`),
  ],
  [
    '§6.2: another frame within a header block',
    protocolError,
    opening + frame(types.headers, 1, 1, getBlock) + frame(types.ping, 0, 0, '12345678'),
  ],
  [
    '§6.2: DATA within a header block',
    protocolError,
    opening + frame(types.headers, 0, 1, postBlock) + frame(types.data, 0, 1, 'a'),
  ],
  [
    '§6.2: HEADERS of another stream within a header block',
    protocolError,
    opening + frame(types.headers, 1, 1, getBlock) + frame(types.headers, whole, 3, getBlock),
  ],
  [
    '§6.2: a frame of an unknown type within a header block',
    protocolError,
    opening + frame(types.headers, 1, 1, getBlock) + frame(0x16, 0, 1, ''),
  ],
  ['§6.3: PRIORITY of stream 0', protocolError, opening + frame(types.priority, 0, 0, '\0\0\0\0\0')],
  ['§6.4: RST_STREAM of stream 0', protocolError, opening + frame(types.rst, 0, 0, uint32(8))],
  ['§6.4: RST_STREAM of another length', frameSizeError, opening + post + frame(types.rst, 0, 1, 'abc')],
  ['§6.5: SETTINGS with ACK and payload', frameSizeError, opening + frame(types.settings, 1, 0, '\0')],
  ['§6.5: SETTINGS of a stream', protocolError, opening + frame(types.settings, 0, 1, '')],
  ['§6.5: SETTINGS of another length', frameSizeError, opening + frame(types.settings, 0, 0, '\0\x03\0')],
  ['§6.5.2: SETTINGS_ENABLE_PUSH of 2', protocolError, opening + frame(types.settings, 0, 0, `\0\x02${uint32(2)}`)],
  [
    '§6.5.2: SETTINGS_INITIAL_WINDOW_SIZE of 2^31',
    flowControlError,
    opening + frame(types.settings, 0, 0, `\0\x04${uint32(2 ** 31)}`),
  ],
  [
    '§6.5.2: SETTINGS_MAX_FRAME_SIZE of 16383',
    protocolError,
    opening + frame(types.settings, 0, 0, `\0\x05${uint32(16_383)}`),
  ],
  [
    '§6.5.2: SETTINGS_MAX_FRAME_SIZE of 2^24',
    protocolError,
    opening + frame(types.settings, 0, 0, `\0\x05${uint32(2 ** 24)}`),
  ],
  ['§6.6: PUSH_PROMISE', protocolError, opening + post + frame(types.push, 4, 1, uint32(2) + getBlock)],
  ['§6.7: PING of a stream', protocolError, opening + frame(types.ping, 0, 1, '12345678')],
  ['§6.7: PING of another length', frameSizeError, opening + frame(types.ping, 0, 0, '123456')],
  ['§6.8: GOAWAY of a stream', protocolError, opening + frame(types.goaway, 0, 1, uint32(0) + uint32(0))],
  ['§6.8: GOAWAY of another length', frameSizeError, opening + frame(types.goaway, 0, 0, uint32(0))],
  ['§6.9: WINDOW_UPDATE of 0', protocolError, opening + frame(types.window, 0, 0, uint32(0))],
  ['§6.9: WINDOW_UPDATE of another length', frameSizeError, opening + frame(types.window, 0, 0, 'abc')],
  [
    '§6.9.1: a connection window above 2^31-1',
    flowControlError,
    opening + frame(types.window, 0, 0, uint32(2 ** 31 - 1)),
  ],
  [
    '§6.9.2: a stream window above 2^31-1 by settings',
    flowControlError,
    opening +
      post +
      frame(types.window, 0, 1, uint32(2 ** 31 - 1 - 65_535)) +
      frame(types.settings, 0, 0, `\0\x04${uint32(65_536)}`),
  ],
  [
    '§6.10: CONTINUATION of another stream',
    protocolError,
    opening + frame(types.headers, 1, 1, '\x82') + frame(types.continuation, 4, 3, '\x87'),
  ],
  ['§6.10: CONTINUATION of nothing', protocolError, opening + get + frame(types.continuation, 4, 1, '\x87')],
  [
    '§6.10: CONTINUATION of stream 0',
    protocolError,
    opening + frame(types.headers, 1, 1, '\x82') + frame(types.continuation, 4, 0, '\x87'),
  ],
  [
    '§10.5.1: a header block of many CONTINUATION frames',
    enhanceYourCalm,
    opening + frame(types.headers, 1, 1, '\x82') + frame(types.continuation, 0, 1, '').repeat(20),
  ],
  [
    '§10.5.1: a header block above its limit',
    enhanceYourCalm,
    opening + frame(types.headers, 1, 1, '\x82') + frame(types.continuation, 0, 1, 'a'.repeat(16_384)).repeat(5),
  ],
  ['§10.5: a flood of PING', enhanceYourCalm, opening + frame(types.ping, 0, 0, '12345678').repeat(1_100)],
  ['§10.5: a flood of SETTINGS', enhanceYourCalm, opening + frame(types.settings, 0, 0, '').repeat(1_100)],
  ['§10.5: a flood of empty DATA', enhanceYourCalm, opening + post + frame(types.data, 0, 1, '').repeat(1_100)],
  ['§10.5: a flood of PRIORITY', enhanceYourCalm, opening + frame(types.priority, 0, 3, '\0\0\0\0\0').repeat(1_100)],
  ['§10.5: a flood of WINDOW_UPDATE', enhanceYourCalm, opening + frame(types.window, 0, 0, uint32(1)).repeat(1_100)],
  ['§10.5: a flood of unknown frames', enhanceYourCalm, opening + frame(0xfe, 0, 0, 'x').repeat(1_100)],
  [
    '§10.5: streams that are begun and reset (CVE-2023-44487)',
    enhanceYourCalm,
    opening + streams(220, (id) => frame(types.headers, whole, id, getBlock) + frame(types.rst, 0, id, uint32(8))),
  ],
  [
    '§10.5: streams that we are made to reset (CVE-2025-8671)',
    enhanceYourCalm,
    opening +
      streams(
        220,
        (id) => frame(types.headers, flags.endHeaders, id, postBlock) + frame(types.window, 0, id, uint32(0)),
      ),
  ],
];

/** Cases that end stream 1 and no other. */
const streamFaults: readonly (readonly [name: string, code: number, input: string])[] = [
  ['§5.1: DATA after its end', streamClosed, get + frame(types.data, 1, 1, 'a')],
  ['§5.1: HEADERS after its end', streamClosed, get + get],
  [
    '§5.3.1: HEADERS that depend on themselves',
    protocolError,
    frame(types.headers, whole | flags.priority, 1, `${uint32(1)}\0${getBlock}`),
  ],
  ['§5.3.1: PRIORITY that depends on itself', protocolError, post + frame(types.priority, 0, 1, `${uint32(1)}\0`)],
  ['§6.3: PRIORITY of another length', frameSizeError, post + frame(types.priority, 0, 1, 'abc')],
  ['§6.9: WINDOW_UPDATE of 0', protocolError, post + frame(types.window, 0, 1, uint32(0))],
  ['§6.9.1: a window above 2^31-1', flowControlError, post + frame(types.window, 0, 1, uint32(2 ** 31 - 1))],
  [
    '§8.1: a second head without its end',
    protocolError,
    post + frame(types.headers, flags.endHeaders, 1, '\x00\x01a\x01b'),
  ],
  ['§8.1: pseudo-header fields in trailers', protocolError, post + frame(types.headers, whole, 1, getBlock)],
  ['§8.2.1: trailers with a capital', protocolError, post + frame(types.headers, whole, 1, '\x00\x01A\x01b')],
  [
    '§8.1.1: more DATA than its content-length',
    protocolError,
    frame(types.headers, 4, 1, `${postBlock}\x0f\x0d\x011`) + frame(types.data, 0, 1, 'ab'),
  ],
  [
    '§8.1.1: less DATA than its content-length',
    protocolError,
    frame(types.headers, 4, 1, `${postBlock}\x0f\x0d\x019`) + frame(types.data, 1, 1, 'ab'),
  ],
  [
    '§8.1.1: less DATA than its content-length before trailers',
    protocolError,
    frame(types.headers, 4, 1, `${postBlock}\x0f\x0d\x019`) + frame(types.headers, whole, 1, '\x00\x01a\x01b'),
  ],
];

/** Cases in which nothing is wrong. */
const sound: readonly (readonly [name: string, input: string, events: readonly string[]])[] = [
  ['§4.1: a frame of an unknown type', frame(0x16, 0xff, 7, 'x') + get, ['request 1 ', 'end 1']],
  [
    '§4.1: unknown flags and a reserved bit',
    get.replace('\0\0\0\x01', '\x80\0\0\x01').replace('\x05', '\x55'),
    ['request 1 ', 'end 1'],
  ],
  [
    '§5.1: WINDOW_UPDATE and PRIORITY of a closed stream',
    post +
      frame(types.rst, 0, 1, uint32(8)) +
      frame(types.window, 0, 1, uint32(1)) +
      frame(types.priority, 0, 1, '\0\0\0\0\0'),
    ['request 1 ', 'reset 1 8'],
  ],
  ['§5.3: PRIORITY of an idle stream', frame(types.priority, 0, 9, '\0\0\0\0\0') + get, ['request 1 ', 'end 1']],
  [
    '§6.1: padded DATA',
    post + frame(types.data, flags.padded | 1, 1, '\x03ab\0\0\0'),
    ['request 1 ', 'data 1 ab', 'end 1'],
  ],
  [
    '§6.1: DATA that is all padding',
    post + frame(types.data, flags.padded | 1, 1, '\x03\0\0\0'),
    ['request 1 ', 'end 1'],
  ],
  [
    '§6.2: padded HEADERS with a priority',
    frame(types.headers, whole | flags.padded | flags.priority, 1, `\x02\0\0\0\0\0${getBlock}\0\0`),
    ['request 1 ', 'end 1'],
  ],
  ['§6.5.2: an unknown setting', frame(types.settings, 0, 0, `\0\x99${uint32(5)}`) + get, ['request 1 ', 'end 1']],
  [
    '§6.10: a header block in pieces',
    frame(types.headers, 1, 1, getBlock.slice(0, 1)) +
      frame(types.continuation, 0, 1, '') +
      frame(types.continuation, 4, 1, getBlock.slice(1)),
    ['request 1 ', 'end 1'],
  ],
  [
    '§8.1: trailers',
    post + frame(types.data, 0, 1, 'ab') + frame(types.headers, whole, 1, '\x00\x01a\x01b'),
    ['request 1 ', 'data 1 ab', 'end 1 a'],
  ],
  [
    '§8.1.1: DATA of its content-length',
    frame(types.headers, 4, 1, `${postBlock}\x0f\x0d\x013`) +
      frame(types.data, 0, 1, 'ab') +
      frame(types.data, 1, 1, 'c'),
    ['request 1 ', 'data 1 ab', 'data 1 c', 'end 1'],
  ],
];

function streams(count: number, of: (id: number) => string): string {
  return Array.from({ length: count }, (_, at) => of(at * 2 + 1)).join('');
}

describe('a connection ends on', () => {
  for (const [name, code, input] of connectionFaults) {
    test(name, () => {
      const probe = new SessionProbe().feed(input);
      assert.equal(probe.fault?.h2Code, code);
      const last = probe.frames.at(-1)!;
      assert.deepEqual([last.type, last.payload.charCodeAt(7)], [types.goaway, code]);
      const { length } = probe.written;
      const told = probe.events.length;
      probe.feed(get + frame(types.ping, 0, 0, '12345678'));
      assert.deepEqual([probe.written.length, probe.events.length], [length, told], 'nothing is read afterwards');
    });
  }
});

describe('a stream ends on', () => {
  for (const [name, code, input] of streamFaults) {
    test(name, () => {
      const probe = new SessionProbe().feed(opening + input);
      assert.equal(probe.fault, null);
      assert.deepEqual(probe.resets, [`1:${code}`]);
      assert.ok(
        !probe.events.includes('end 1') || input.startsWith(get),
        'a request that is not whole is not told as whole',
      );
      probe.feed(frame(types.headers, whole, 7, getBlock));
      assert.ok(probe.events.includes('end 7'), 'the others go on');
    });
  }
});

describe('nothing ends on', () => {
  for (const [name, input, events] of sound) {
    test(name, () => {
      const probe = new SessionProbe().feed(opening + input);
      assert.equal(probe.fault, null);
      assert.deepEqual(probe.resets, []);
      assert.deepEqual(
        probe.events.map((event) => event.replace(/^(request \d+ ).*/, '$1')),
        events,
      );
    });
  }
});

describe('a connection', () => {
  test('says who it is, and takes word of the other for known (§3.4, §6.5.3)', () => {
    const probe = new SessionProbe({ maxStreams: 7 }).feed(opening);
    const [settings, window, ack] = probe.frames;
    assert.equal(settings?.type, types.settings);
    assert.ok(settings.payload.includes(`\0\x03${uint32(7)}`), 'streams are limited from the start');
    assert.deepEqual([window?.type, window?.streamId], [types.window, 0]);
    assert.deepEqual([ack?.type, ack?.flags], [types.settings, flags.ack]);
  });

  test('answers PING with what came (§6.7)', () => {
    const probe = new SessionProbe().feed(opening + frame(types.ping, 0, 0, 'abcdefgh'));
    assert.deepEqual(probe.framesOf(types.ping), [
      { type: types.ping, flags: flags.ack, streamId: 0, payload: 'abcdefgh' },
    ]);
  });

  test('refuses streams above its limit, and takes more once some are over (§5.1.2)', () => {
    const probe = new SessionProbe({ maxStreams: 2 }).feed(
      opening + streams(3, (id) => frame(types.headers, whole, id, getBlock)),
    );
    assert.deepEqual(probe.resets, ['5:7']);
    probe.streams.get(1)!.sendHead([':status', '200'], true);
    probe.feed(frame(types.headers, whole, 7, getBlock));
    assert.ok(probe.streams.has(7));
    assert.deepEqual(probe.resets, ['5:7']);
  });

  test('serves what was begun before it said its last stream, and leaves the rest unread (§6.8)', () => {
    const probe = new SessionProbe().feed(opening + get);
    probe.session.announceEnd();
    probe.feed(frame(types.headers, whole, 3, getBlock));
    probe.session.takeNoMore();
    probe.feed(frame(types.headers, whole, 5, getBlock) + frame(types.data, 1, 5, 'a'));
    assert.deepEqual([...probe.streams.keys()], [1, 3]);
    assert.equal(probe.fault, null);
    assert.deepEqual(
      probe.framesOf(types.goaway).map(({ payload }) => payload.slice(0, 4)),
      [uint32(2 ** 31 - 1), uint32(3)],
    );
  });

  test('ignores what is under way on a stream that it reset, and counts it against the window (§5.1)', () => {
    const probe = new SessionProbe().feed(opening + post);
    probe.streams.get(1)!.reset(0);
    probe.feed(
      frame(types.data, 0, 1, 'a'.repeat(16_384)).repeat(40) + frame(types.headers, whole, 1, '\x40\x01a\x01b'),
    );
    assert.equal(probe.fault, null);
    assert.deepEqual(
      probe.events.filter((event) => event.startsWith('data')),
      [],
    );
    assert.ok(probe.framesOf(types.window).filter(({ streamId }) => streamId === 0).length >= 2);
    probe.feed(frame(types.headers, whole, 3, `${getBlock}\xbe`));
    assert.ok(probe.events.at(-2)?.includes('a=b'), 'the table stayed in step');
  });

  test('counts floods by time: slow ones are no floods', () => {
    const probe = new SessionProbe().feed(opening);
    for (let second = 0; second < 60; second++) {
      probe.nowMs += 1_000;
      probe.feed(frame(types.ping, 0, 0, '12345678').repeat(150));
    }
    assert.equal(probe.fault, null);
  });
});

describe('flow control', () => {
  test('sends no more than the windows hold, and goes on as they open (§6.9)', () => {
    const probe = new SessionProbe().feed(opening + get + frame(types.headers, whole, 3, getBlock));
    const [one, three] = [probe.streams.get(1)!, probe.streams.get(3)!];
    for (const stream of [one, three]) stream.sendHead([':status', '200'], false);
    assert.equal(one.sendData(Buffer.alloc(100_000, 97), true), false);
    assert.equal(three.sendData(Buffer.alloc(10_000, 98), true), false);
    assert.equal(sentTo(probe, 1) + sentTo(probe, 3), 65_535, 'the connection window');
    assert.equal(one.queuedBytes, 100_000 - 65_535);
    probe.feed(frame(types.window, 0, 1, uint32(50_000)) + frame(types.window, 0, 0, uint32(20_000)));
    assert.ok(sentTo(probe, 3) > 0, 'the second stream is not starved by the first');
    probe.feed(frame(types.window, 0, 0, uint32(1_000_000)));
    assert.deepEqual([sentTo(probe, 1), sentTo(probe, 3)], [100_000, 10_000]);
    assert.equal(lastOf(probe, 1)?.flags, flags.endStream);
    assert.ok(one.isClosed && three.isClosed);
  });

  test('a window may fall below zero by settings, and must rise again before anything goes (§6.9.2)', () => {
    const probe = new SessionProbe().feed(opening + get);
    const stream = probe.streams.get(1)!;
    stream.sendHead([':status', '200'], false);
    stream.sendData(Buffer.alloc(60_000), false);
    probe.feed(frame(types.settings, 0, 0, `\0\x04${uint32(1_000)}`));
    stream.sendData(Buffer.alloc(10), true);
    assert.equal(sentTo(probe, 1), 60_000);
    probe.feed(frame(types.window, 0, 1, uint32(59_009)));
    assert.equal(sentTo(probe, 1), 60_009);
    probe.feed(frame(types.window, 0, 1, uint32(1)));
    assert.equal(sentTo(probe, 1), 60_010);
  });

  test('trailers wait behind data, and are coded against the table of the moment they go', () => {
    const probe = new SessionProbe().feed(
      opening + frame(types.settings, 0, 0, `\0\x04${uint32(0)}`) + get + frame(types.headers, whole, 3, getBlock),
    );
    const [one, three] = [probe.streams.get(1)!, probe.streams.get(3)!];
    one.sendHead([':status', '200'], false);
    one.sendData(Buffer.from('abc'), false);
    one.sendTrailers(['server', 's']);
    three.sendHead([':status', '200', 'server', 's'], true);
    probe.feed(frame(types.window, 0, 1, uint32(3)));
    const frames = readFrames(probe.written).filter(({ streamId }) => streamId === 1);
    assert.deepEqual(
      frames.map(({ type, flags: set }) => [type, set]),
      [
        [1, 4],
        [0, 0],
        [1, 5],
      ],
    );
    assert.equal(frames.at(-1)?.payload, '\xbe');
  });

  test('a reader that stalls holds its window and no more, while others go on (§5.2.2)', () => {
    const probe = new SessionProbe();
    probe.reads = false;
    probe.feed(opening + post + frame(types.headers, flags.endHeaders, 3, postBlock));
    probe.feed(frame(types.data, 0, 1, 'a'.repeat(13_107)).repeat(5));
    assert.deepEqual(probe.resets, []);
    probe.feed(frame(types.data, 0, 1, 'a'));
    assert.deepEqual(probe.resets, ['1:3']);
    probe.reads = true;
    for (let at = 0; at < 200; at++) probe.feed(frame(types.data, 0, 3, 'b'.repeat(16_000)));
    assert.equal(probe.fault, null);
    assert.deepEqual(probe.resets, ['1:3']);
  });
});

describe('the side that calls', () => {
  const settled = frame(types.settings, 0, 0);
  const answering = (input: string): SessionProbe => {
    const probe = new SessionProbe({ isServer: false }).feed(settled);
    const stream = probe.session.open(probe.user(1))!;
    probe.streams.set(1, stream);
    stream.sendHead([':method', 'GET', ':scheme', 'http', ':authority', 'a', ':path', '/'], true);
    return probe.feed(input);
  };

  test('hears interim answers, the final one, data and trailers (§8.1)', () => {
    const probe = answering(
      frame(types.headers, 4, 1, '\x08\x03100') +
        frame(types.headers, 4, 1, '\x88') +
        frame(types.data, 0, 1, 'ok') +
        frame(types.headers, 5, 1, '\x00\x01a\x01b'),
    );
    assert.deepEqual(probe.events, ['head 1 :status=100', 'head 1 :status=200', 'data 1 ok', 'end 1 a']);
    assert.equal(probe.session.openStreams, 0);
  });

  for (const [name, input] of [
    ['before any head', frame(types.data, 0, 1, 'HTTP/1.1 200 OK')],
    ['before the final head', frame(types.headers, 4, 1, '\x08\x03100') + frame(types.data, 0, 1, 'a')],
    ['that is empty and ends all, before any head', frame(types.data, flags.endStream, 1)],
  ] as const) {
    test(`takes no data ${name} (§8.1)`, () => {
      const probe = answering(input);
      assert.ok(probe.written.includes(frame(types.rst, 0, 1, uint32(protocolError))));
      assert.deepEqual(
        probe.events.filter((one) => !one.startsWith('head')),
        [`reset 1 ${protocolError}`],
      );
    });
  }

  for (const [name, input] of [
    ['a stream that the other side begins', frame(types.headers, whole, 2, '\x88')],
    ['an answer to what nobody asked', frame(types.headers, whole, 3, '\x88')],
    ['a push', frame(types.push, 4, 1, uint32(2) + getBlock)],
    ['SETTINGS_ENABLE_PUSH of 1', frame(types.settings, 0, 0, `\0\x02${uint32(1)}`)],
  ] as const) {
    test(`ends on ${name}`, () => {
      assert.equal(answering(input).fault?.h2Code, protocolError);
    });
  }

  test('begins no more streams than it may', () => {
    const probe = new SessionProbe({ isServer: false }).feed(frame(types.settings, 0, 0, `\0\x03${uint32(1)}`));
    assert.notEqual(probe.session.open(probe.user(1)), null);
    assert.equal(probe.session.open(probe.user(3)), null);
  });
});

function sentTo(probe: SessionProbe, streamId: number): number {
  return probe
    .framesOf(types.data)
    .reduce((sum, one) => (one.streamId === streamId ? sum + one.payload.length : sum), 0);
}

function lastOf(probe: SessionProbe, streamId: number) {
  return probe.frames.filter((one) => one.streamId === streamId).at(-1);
}
