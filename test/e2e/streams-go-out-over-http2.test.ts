// Two Posterns between programs that speak HTTP/2 in plain text: a caller with prior knowledge, its Postern, HTTP/2 over mutual TLS, the other
// Postern, a server of gRPC; and a peer that speaks HTTP/1.1 only.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { CallingWorld, type CallRecord, clientId } from '../harness/calling-world.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { waitFor } from '../harness/wait-for.ts';

const accept = 'accept: ["spiffe://prod.acme.com/ns/payments/*"]';
const patient = 'limits: { connect: 20s, handshake: 20s }';
const asIs = (bytes: Buffer): Buffer => bytes;

interface StreamRecord extends CallRecord {
  readonly action?: { readonly rpc?: string; readonly protocol?: string };
  readonly tls?: { readonly alpn?: string };
}

function methodOf(name: string, isStream: boolean) {
  const codec = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  return { path: `/chat.v1.Chat/${name}`, requestStream: isStream, responseStream: isStream, ...codec };
}

/** A server of calls that keeps what it saw. */
class ChatServer {
  readonly seen: string[] = [];
  cancelled = 0;
  readonly #server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });

  async start(): Promise<number> {
    const methods = { Echo: methodOf('Echo', false), Hang: methodOf('Hang', false), Talk: methodOf('Talk', true) };
    this.#server.addService(methods as unknown as grpc.ServiceDefinition, {
      Echo: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
        this.seen.push('Echo');
        const trailers = new grpc.Metadata();
        trailers.set('peer', String(call.metadata.get('x-postern-peer')[0]));
        trailers.set('sent-bin', call.metadata.get('sent-bin')[0] ?? Buffer.alloc(0));
        done(null, call.request, trailers);
      },
      Hang: (call: grpc.ServerUnaryCall<Buffer, Buffer>) => {
        this.seen.push('Hang');
        call.on('cancelled', () => this.cancelled++);
      },
      Talk: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        this.seen.push('Talk');
        call.on('data', (bytes: Buffer) => call.write(Buffer.concat([Buffer.from('re: '), bytes])));
        call.on('end', () => call.end());
        call.on('cancelled', () => this.cancelled++);
      },
    });
    return new Promise((resolve, reject) => {
      const credentials = grpc.ServerCredentials.createInsecure();
      this.#server.bindAsync('127.0.0.1:0', credentials, (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

interface Called {
  readonly error: grpc.ServiceError | null;
  readonly value: Buffer | undefined;
  readonly trailers: grpc.Metadata;
}

function call(
  client: grpc.Client,
  method: string,
  request: Buffer,
  { metadata = new grpc.Metadata(), ...options }: grpc.CallOptions & { metadata?: grpc.Metadata } = {},
): Promise<Called> {
  return new Promise((resolve) => {
    let result: Pick<Called, 'error' | 'value'> | null = null;
    const path = `/chat.v1.Chat/${method}`;
    const made = client.makeUnaryRequest(path, asIs, asIs, request, metadata, options, (error, value) => {
      result = { error, value };
    });
    made.on('status', ({ metadata: trailers }: grpc.StatusObject) =>
      setImmediate(() => resolve({ ...result!, trailers })),
    );
  });
}

test('a program that speaks plain gRPC calls over mutual TLS, judged by method and recorded on both sides', async (t) => {
  const chat = new ChatServer();
  const port = await chat.start();
  t.after(() => chat.stop());
  const denied = 'routes: [{ match: { path: /chat.v1.Chat/Ours }, action: drop }]';
  const inbound = '    http2: on\n    routes: [{ match: { path: /chat.v1.Chat/Theirs }, action: drop }]\n';
  const world = await CallingWorld.create(t, { workloadPort: port, inbound, scheme: 'h2c' }, (server) => ({
    chat: `to: [${server}], ${accept}, ${denied}, ${patient}`,
    stranger: `to: [${server}], accept: [spiffe://prod.acme.com/ns/orders/api], ${patient}`,
  }));
  const clientOf = (name: string): grpc.Client => {
    const options = { 'grpc.max_receive_message_length': -1, 'grpc.use_local_subchannel_pool': 1 };
    const client = new grpc.Client(`127.0.0.1:${world.ports[name]}`, grpc.credentials.createInsecure(), options);
    t.after(() => client.close());
    return client;
  };
  const client = clientOf('chat');
  const ours = () => world.ours() as StreamRecord[];
  const theirs = () => world.theirs() as StreamRecord[];

  await t.test('a unary call arrives with metadata, binary too, and both records join on one trace', async () => {
    const metadata = new grpc.Metadata();
    const octets = Buffer.from([0, 1, 2, 250, 255]);
    metadata.set('sent-bin', octets);
    const { error, value, trailers } = await call(client, 'Echo', Buffer.from('hello'), { metadata });
    assert.deepEqual([error, String(value)], [null, 'hello']);
    assert.deepEqual([trailers.get('peer'), trailers.get('sent-bin')], [[clientId], [octets]]);
    const own = ours().find((row) => row.action?.rpc === 'chat.v1.Chat/Echo');
    const other = theirs().find((row) => row.action?.rpc === 'chat.v1.Chat/Echo');
    assert.deepEqual([own?.network?.direction, own?.action?.protocol], ['outbound', 'grpc']);
    assert.deepEqual([other?.principal?.workload_id, other?.tls?.alpn], [clientId, 'h2']);
    assert.equal(other?.correlation.trace_id, own?.correlation.trace_id);
  });

  await t.test('large messages, and messages in turns, go both ways', async () => {
    const large = Buffer.alloc(3_000_000, 7);
    assert.ok((await call(client, 'Echo', large)).value?.equals(large));
    const talk = client.makeBidiStreamRequest('/chat.v1.Chat/Talk', asIs, asIs);
    const replies = talk[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (const word of ['one', 'two', 'three']) {
      talk.write(Buffer.from(word));
      assert.equal(String((await replies.next()).value), `re: ${word}`);
    }
    talk.end();
    assert.equal((await replies.next()).done, true);
  });

  await t.test('a deny of either side is PERMISSION_DENIED, and the server never hears of it', async () => {
    for (const method of ['Ours', 'Theirs']) {
      const { error } = await call(client, method, Buffer.from('x'));
      assert.deepEqual([method, error?.code], [method, grpc.status.PERMISSION_DENIED]);
    }
    const decisions = (rows: StreamRecord[]) =>
      ['Ours', 'Theirs'].map((method) => rows.find((row) => row.action?.rpc === `chat.v1.Chat/${method}`)?.decision);
    assert.deepEqual(
      [decisions(ours()), decisions(theirs())],
      [
        ['deny', 'allow'],
        [undefined, 'deny'],
      ],
    );
  });

  await t.test('a deadline and a cancel end the call at the server too', async () => {
    const { error } = await call(client, 'Hang', Buffer.from('x'), { deadline: Date.now() + 300 });
    assert.equal(error?.code, grpc.status.DEADLINE_EXCEEDED);
    const talk = client.makeBidiStreamRequest('/chat.v1.Chat/Talk', asIs, asIs);
    talk.on('error', () => {});
    talk.write(Buffer.from('one'));
    await once(talk, 'data');
    talk.cancel();
    await waitFor('the ends at the server', () => chat.cancelled === 2);
  });

  await t.test('many calls at once share few connections to the peer', async () => {
    const texts = Array.from({ length: 200 }, (_, at) => String(at));
    const answers = await Promise.all(texts.map((one) => call(client, 'Echo', Buffer.from(one))));
    assert.deepEqual(
      answers.map(({ value }) => String(value)),
      texts,
    );
    const open = await world.client.metric('postern_upstream_connections_open', { listener: 'chat' });
    assert.ok(open >= 1 && open <= 4, `${open} connections`);
  });

  await t.test('somebody else at the address gets nothing, and the caller is told who was expected', async () => {
    const { error, trailers } = await call(clientOf('stranger'), 'Echo', Buffer.from('x'));
    assert.equal(error?.code, grpc.status.UNAVAILABLE);
    const id = trailers.get('x-postern-decision-id')[0];
    const isEnd = (row: StreamRecord): boolean => row.type === 'outcome' && row.decision_id === id;
    const end = await waitFor('the outcome', () => ours().find(isEnd));
    assert.equal(end.outcome?.code, 'ERR_OUTBOUND_IDENTITY');
    assert.match(
      end.outcome?.detail ?? '',
      /ns\/orders\/api; shown: `spiffe:\/\/prod\.acme\.com\/ns\/payments\/server`/,
    );
  });

  await t.test(
    'with another SVID of its own, calls go on over other connections, under the new certificate',
    async () => {
      const serials = () => new Set(theirs().map((row) => row.principal?.credential.serial));
      const before = serials().size;
      await world.rotate();
      await waitFor('a call under it', async () => {
        assert.equal((await call(client, 'Echo', Buffer.from('x'))).error, null);
        return serials().size > before;
      });
    },
  );

  await t.test('a peer that is accepted no more loses the calls that are open', async () => {
    const talk = client.makeBidiStreamRequest('/chat.v1.Chat/Talk', asIs, asIs);
    talk.write(Buffer.from('one'));
    await once(talk, 'data');
    const failed = once(talk, 'error') as Promise<[grpc.ServiceError]>;
    const { status } = await world.reconfigure((yaml) => yaml.replace('ns/payments/*', 'ns/orders/*'));
    assert.equal(status, 200);
    assert.notEqual((await failed)[0].code, grpc.status.OK);
  });
});

test('a peer that speaks HTTP/1.1 only gets streams as requests of that', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const world = await CallingWorld.create(t, { workloadPort: workload.port }, (server) => ({
    orders: `to: [${server}], ${accept}, ${patient}`,
  }));
  const port = world.ports['orders']!;

  await t.test('streams at once are answered, and the peer is offered HTTP/2 once', async () => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const statuses = async (count: number): Promise<unknown[]> => {
      const one = async (): Promise<unknown> => {
        const stream = session.request({ ':path': '/things' });
        const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
        await once(stream.resume(), 'end');
        return answer[':status'];
      };
      return Promise.all(Array.from({ length: count }, one));
    };
    assert.deepEqual(await statuses(5), Array(5).fill(200));
    const accepted = () => world.server!.metric('postern_handshakes_total', { result: 'accepted' });
    const before = await accepted();
    assert.deepEqual(await statuses(1), [200]);
    assert.equal(await accepted(), before);
    assert.match(workload.heads[0] ?? '', /^GET \/things HTTP\/1\.1\r\n/);
    session.close();
  });

  await t.test('what a caller speaks is known however its octets come', async () => {
    const told = async (pieces: readonly string[]): Promise<string> => {
      const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const all = text(socket);
      socket.end();
      return all;
    };
    const request = 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx';
    assert.match(await told([request.slice(0, 1), request.slice(1, 3), request.slice(3)]), /^HTTP\/1\.1 200 /);
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
    // SETTINGS, which HTTP/2 begins with on both sides: type 4 in the fourth octet.
    assert.equal((await told([...preface.slice(0, 5), preface.slice(5), '\0\0\0\x04\0\0\0\0\0'])).charCodeAt(3), 4);
    assert.match(await told(['PRI /p HTTP/1.1\r\n\r\n']), /^(?!HTTP\/1\.1 200)/);
  });
});
