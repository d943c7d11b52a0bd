import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { createDialer } from '../../bench/load/raw-connection.ts';
import { smallGet } from '../../bench/load/requests.ts';

const answer = 'HTTP/1.1 200 OK\r\nContent-Type: a\r\ncontent-length: 5\r\n\r\nhello';

describe("the load client's connection", () => {
  const closers: (() => void)[] = [];

  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  async function connectTo(serve: (socket: Socket) => void, readBufferBytes?: number) {
    const server: Server = createServer((socket) => {
      closers.push(() => socket.destroy());
      serve(socket.setNoDelay(true));
    }).listen(0, '127.0.0.1');
    closers.push(() => server.close());
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    return createDialer({ host: '127.0.0.1', port: address.port, tls: null }).open(readBufferBytes);
  }

  /** What comes of one request: `answered`, or why it failed. */
  function outcomeOf(connection: Awaited<ReturnType<typeof connectTo>>): Promise<string> {
    return new Promise((resolve) => {
      connection.onAnswer = () => resolve('answered');
      connection.onFailure = (error) => resolve(error.message);
      connection.send(smallGet);
    });
  }

  it('sees one answer wherever it is split', async () => {
    const connection = await connectTo((socket) => {
      let split = 0;
      socket.on('data', () => {
        const at = split++ % answer.length;
        socket.write(answer.slice(0, at), () => setImmediate(() => socket.write(answer.slice(at))));
      });
    });
    for (let request = 0; request < answer.length; request += 1) {
      assert.equal(await outcomeOf(connection), 'answered', `split at ${request}`);
    }
    connection.close();
  });

  it('reads an answer that is larger than its buffer', async () => {
    const body = 'x'.repeat(100_000);
    const connection = await connectTo((socket) => {
      socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`));
    }, 1024);
    assert.equal(await outcomeOf(connection), 'answered');
    assert.equal(await outcomeOf(connection), 'answered');
    connection.close();
  });

  for (const { name, bytes, message } of [
    {
      name: 'a refusal',
      bytes: 'HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n',
      message: /unexpected answer: HTTP\/1.1 403/,
    },
    {
      name: 'an answer without a length',
      bytes: 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n',
      message: /unexpected answer/,
    },
    { name: 'bytes after the answer', bytes: `${answer}HTTP`, message: /4 bytes after the body/ },
  ]) {
    it(`fails on ${name}`, async () => {
      const connection = await connectTo((socket) => socket.on('data', () => socket.write(bytes)));
      assert.match(await outcomeOf(connection), message);
    });
  }

  it('fails when the proxy closes instead of answering', async () => {
    const connection = await connectTo((socket) => socket.on('data', () => socket.end()));
    assert.match(await outcomeOf(connection), /closed/);
  });
});
