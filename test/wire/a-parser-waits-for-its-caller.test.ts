// Back-pressure and order: pause, resume, stop, the end of the input, and what is left for another protocol.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { headLimitsDefaults } from '../../src/wire/head-limits.ts';
import type { RequestEvents } from '../../src/wire/http1-message.ts';
import { RequestParser } from '../../src/wire/request-parser.ts';
import { ResponseParser } from '../../src/wire/response-parser.ts';
import { octets } from './recorded-events.ts';

const get = octets('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
const post = octets('POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabcdef');
const chunked = octets('PUT /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n');

interface Watched {
  readonly parser: RequestParser;
  readonly seen: string[];
}

/** A parser whose events are written down; `act` may act on each. */
function watch(act: (event: string, parser: RequestParser) => void = () => {}): Watched {
  const seen: string[] = [];
  const tell = (event: string): void => {
    seen.push(event);
    act(event, parser);
  };
  const events: RequestEvents = {
    onRequestHead: (head) => tell(head.rawPath),
    onBody: (bytes) => tell(bytes.toString('latin1')),
    onMessageEnd: () => tell('end'),
    onWireError: (error) => tell(error.code),
  };
  const parser = new RequestParser(headLimitsDefaults, events);
  return { parser, seen };
}

/** A body that was cut comes in two pieces. */
function joined(seen: readonly string[]): string {
  return seen.join(' ').replaceAll(/([a-f]) (?=[a-f]+ )/g, '$1');
}

describe('a request parser', () => {
  test('pauses by itself after each message', () => {
    const { parser, seen } = watch();
    parser.feed(Buffer.concat([get, post]));
    assert.deepEqual(seen, ['/1', 'end']);
    assert.equal(parser.bufferedBytes, post.length);
    parser.resume();
    assert.deepEqual(seen, ['/1', 'end', '/2', 'abcdef', 'end']);
  });

  test('reports nothing after a pause within a callback, keeps later input, and goes on at resume', () => {
    const { parser, seen } = watch((event, self) => event === '/2' && self.pause());
    parser.feed(post.subarray(0, post.length - 3));
    parser.feed(post.subarray(post.length - 3));
    assert.deepEqual(seen, ['/2']);
    assert.equal(parser.bufferedBytes, 6);
    parser.resume();
    assert.deepEqual(seen, ['/2', 'abcdef', 'end']);
    assert.equal(parser.bufferedBytes, 0);
  });

  // All connections of a listener are read into one buffer: what is kept of it would become another caller's octets.
  test('keeps nothing of what it was fed: its caller writes over it at once, wherever the input is cut', () => {
    const whole = Buffer.concat([get, post, chunked, post]);
    const expected = ['/1', 'end', '/2', 'abcdef', 'end', '/3', 'abc', 'end', '/2', 'abcdef', 'end'];
    for (let cut = 1; cut < whole.length; cut++) {
      const { parser, seen } = watch((event, self) => event.startsWith('/') && self.pause());
      const shared = Buffer.alloc(whole.length);
      for (const piece of [whole.subarray(0, cut), whole.subarray(cut)]) {
        piece.copy(shared);
        parser.feed(shared, piece.length);
        shared.fill('Z');
      }
      for (let turn = 0; turn < 2 * expected.length; turn++) parser.resume();
      assert.equal(joined(seen), joined(expected), `cut at ${cut}`);
    }
  });

  test('ends a message without a body only after the resume', () => {
    const { parser, seen } = watch((event, self) => event === '/1' && self.pause());
    parser.feed(get);
    assert.deepEqual(seen, ['/1']);
    parser.resume();
    assert.deepEqual(seen, ['/1', 'end']);
  });

  test('serves 20,000 pipelined requests resumed within callbacks without growing the stack', () => {
    const { parser, seen } = watch((event, self) => event === 'end' && self.resume());
    parser.feed(Buffer.concat(Array.from({ length: 20_000 }, () => get)));
    assert.equal(seen.length, 40_000);
    assert.ok(parser.isIdle);
  });

  test('resumes a pause of the same callback without reporting anything twice', () => {
    const { parser, seen } = watch((_, self) => {
      self.pause();
      self.resume();
    });
    parser.feed(Buffer.concat([post, chunked]));
    assert.deepEqual(seen, ['/2', 'abcdef', 'end', '/3', 'abc', 'end']);
  });

  for (const stopAt of ['/2', 'abcdef', 'end']) {
    test(`says nothing more when stopped at \`${stopAt}\``, () => {
      const { parser, seen } = watch((event, self) => event === stopAt && self.stop());
      parser.feed(Buffer.concat([post, get]));
      parser.resume();
      parser.feed(get);
      assert.equal(seen.at(-1), stopAt);
      assert.equal(parser.bufferedBytes, 0);
    });
  }

  test('says nothing more after a fault, and keeps nothing', () => {
    const { parser, seen } = watch();
    parser.feed(octets('GET / HTTP/9.9\r\n\r\n'));
    parser.resume();
    parser.feed(get);
    assert.deepEqual(seen, ['ERR_WIRE_VERSION_UNSUPPORTED']);
    assert.equal(parser.bufferedBytes, 0);
    assert.equal(parser.isIdle, false);
  });

  test('is idle before the first octet and after a message, not within one', () => {
    const { parser } = watch((event, self) => event === 'end' && self.resume());
    assert.ok(parser.isIdle);
    for (let at = 0; at < post.length - 1; at++) {
      parser.feed(post.subarray(at, at + 1));
      assert.equal(parser.isIdle, false, `after ${at + 1} octets`);
    }
    parser.feed(post.subarray(post.length - 1));
    assert.ok(parser.isIdle);
  });

  test('hands a body on without copying it', () => {
    let view: Buffer | null = null;
    const parser = new RequestParser(headLimitsDefaults, {
      onRequestHead: () => {},
      onBody: (bytes) => {
        view = bytes;
      },
      onMessageEnd: () => {},
      onWireError: (error) => assert.fail(error),
    });
    parser.feed(post);
    assert.equal((view as Buffer | null)?.buffer, post.buffer);
  });

  test('leaves what came after an upgrade request to whoever takes the connection', () => {
    const { parser, seen } = watch((_, self) => self.pause());
    parser.feed(Buffer.concat([get, octets('\x81\x00frames')]));
    assert.equal(parser.takeRemainder().toString('latin1'), '\x81\x00frames');
    parser.resume();
    assert.deepEqual(seen, ['/1']);
  });
});

describe('the end of the input', () => {
  test('is idle between messages', () => {
    const { parser } = watch();
    parser.feed(get);
    assert.equal(parser.end(), 'idle');
  });

  test('is truncated anywhere within a message', () => {
    for (const message of [get, post, chunked]) {
      for (let cut = 1; cut < message.length; cut++) {
        const { parser } = watch();
        parser.feed(message.subarray(0, cut));
        assert.equal(parser.end(), 'truncated', `after ${message.subarray(0, cut).toString('latin1')}`);
      }
    }
  });

  test('lets a half-closed caller whose request waits get its answer', () => {
    for (const message of [get, post, chunked]) {
      const { parser, seen } = watch((event, self) => event.startsWith('/') && self.pause());
      parser.feed(message);
      assert.equal(parser.end(), 'pending');
      parser.resume();
      assert.equal(seen.at(-1), 'end');
    }
  });

  test('within a request that waits is a fault at resume', () => {
    for (const message of [post, chunked]) {
      const { parser, seen } = watch((event, self) => event.startsWith('/') && self.pause());
      parser.feed(message.subarray(0, -1));
      assert.equal(parser.end(), 'pending');
      parser.resume();
      assert.equal(seen.at(-1), 'ERR_WIRE_TRUNCATED');
    }
  });
});

describe('a response parser', () => {
  const silent = { onInterimHead() {}, onResponseHead() {}, onBody() {}, onMessageEnd() {}, onWireError() {} };

  test('is idle only while no answer is owed', () => {
    const parser = new ResponseParser(headLimitsDefaults, silent);
    assert.ok(parser.isIdle);
    parser.expect('GET');
    assert.equal(parser.isIdle, false);
    parser.feed(octets('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n'));
    assert.equal(parser.isIdle, false);
    parser.feed(octets('a'));
    assert.ok(parser.isIdle);
  });

  test('does not owe two answers', () => {
    const parser = new ResponseParser(headLimitsDefaults, silent);
    parser.expect('GET');
    assert.throws(() => parser.expect('GET'), TypeError);
  });

  test('keeps a copy of what it has not read, since the read buffer is written over', () => {
    const seen: string[] = [];
    const parser = new ResponseParser(headLimitsDefaults, {
      ...silent,
      onResponseHead: () => parser.pause(),
      onBody: (bytes) => seen.push(bytes.toString('latin1')),
    });
    parser.expect('GET');
    const shared = octets('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc');
    parser.feed(shared);
    shared.fill(0x2a);
    parser.resume();
    assert.deepEqual(seen, ['abc']);
  });

  test('completes a body that ends with the connection after the pause', () => {
    const seen: string[] = [];
    const parser = new ResponseParser(headLimitsDefaults, {
      ...silent,
      onResponseHead: () => parser.pause(),
      onBody: (bytes) => seen.push(bytes.toString('latin1')),
      onMessageEnd: () => seen.push('end'),
    });
    parser.expect('GET');
    parser.feed(octets('HTTP/1.1 200 OK\r\n\r\nabc'));
    assert.equal(parser.end(), 'pending');
    parser.resume();
    assert.deepEqual(seen, ['abc', 'end']);
  });

  test('leaves what came after a 101 to whoever takes the connection', () => {
    const parser = new ResponseParser(headLimitsDefaults, silent);
    parser.expect('GET', 'abc=');
    parser.feed(
      octets(
        'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: abc=\r\n\r\n\x81\x00',
      ),
    );
    assert.equal(parser.takeRemainder().toString('latin1'), '\x81\x00');
  });
});
