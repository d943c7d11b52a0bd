// gRPC in earnest: client and server of @grpc/grpc-js with Postern between them, over HTTP/2 on both sides. Messages are octets, since
// what stands in them is not ours to read.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { Mesh } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { journalRecords, type SidecarProcess } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';

const policy = `policy "calls":
  principals: { type: workload, spiffe_id: "spiffe://prod.acme.com/**" }
  rules:
    - name: some
      effect: allow
      actions: ["grpc:/chat.v1.Chat/Echo", "grpc:/chat.v1.Chat/Count", "grpc:/chat.v1.Chat/Sum", "grpc:/chat.v1.Chat/Talk", "grpc:/chat.v1.Chat/Hang", "read", "write"]
`;

const asIs = (bytes: Buffer): Buffer => bytes;

function methodOf(name: string, requestStream: boolean, responseStream: boolean) {
  const codec = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  return { path: `/chat.v1.Chat/${name}`, requestStream, responseStream, ...codec };
}

const service = {
  Echo: methodOf('Echo', false, false),
  Secret: methodOf('Secret', false, false),
  Count: methodOf('Count', false, true),
  Sum: methodOf('Sum', true, false),
  Talk: methodOf('Talk', true, true),
  Hang: methodOf('Hang', false, false),
};

/** Calls that the server saw, and those that were cancelled there. */
const seen: string[] = [];
const cancelled: string[] = [];
let deadlineMs = Number.NaN;

const handlers: grpc.UntypedServiceImplementation = {
  Echo(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
    deadlineMs = Number(call.getDeadline()) - Date.now();
    const metadata = new grpc.Metadata();
    metadata.set('came-bin', call.metadata.get('sent-bin')[0] ?? Buffer.alloc(0));
    call.sendMetadata(metadata);
    const trailers = new grpc.Metadata();
    trailers.set('peer', String(call.metadata.get('x-postern-peer')[0]));
    const isFault = call.request.toString() === 'fail';
    if (isFault) return done({ code: grpc.status.NOT_FOUND, details: 'nöt ~ here', metadata: trailers });
    done(null, call.request, trailers);
  },
  Secret(_call: unknown, done: grpc.sendUnaryData<Buffer>) {
    seen.push('Secret');
    done(null, Buffer.from('secret'));
  },
  Count(call: grpc.ServerWritableStream<Buffer, Buffer>) {
    for (let at = 0; at < Number(call.request.toString()); at++) call.write(Buffer.from(String(at)));
    call.end();
  },
  Sum(call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
    let sum = 0;
    call.on('data', (bytes: Buffer) => (sum += bytes.length));
    call.on('end', () => done(null, Buffer.from(String(sum))));
  },
  Talk(call: grpc.ServerDuplexStream<Buffer, Buffer>) {
    call.on('data', (bytes: Buffer) => call.write(Buffer.concat([Buffer.from('re: '), bytes])));
    call.on('end', () => call.end());
  },
  Hang(call: grpc.ServerUnaryCall<Buffer, Buffer>) {
    seen.push('Hang');
    call.on('cancelled', () => cancelled.push('Hang'));
  },
};

describe('a gRPC client', () => {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  let mesh: Mesh;
  let sidecar: SidecarProcess;
  let client: grpc.Client;
  const ending: (() => void | Promise<void>)[] = [];
  const scope = { after: (fn: () => void | Promise<void>) => void ending.push(fn) };

  before(async () => {
    server.addService(service as unknown as grpc.ServiceDefinition, handlers);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    mesh = await Mesh.create(scope, { workloadPort: port, policy, inbound: '    http2: on\n' });
    mesh.put('postern.yaml', mesh.readConfig().replace(`http://127.0.0.1:${port}`, `h2c://127.0.0.1:${port}`));
    sidecar = await mesh.start(scope);
    const { ca, key, cert } = await mesh.caller();
    const credentials = grpc.credentials.createSsl(Buffer.from(ca), Buffer.from(key!), Buffer.from(cert!), {
      checkServerIdentity: () => undefined,
    });
    client = new grpc.Client(`localhost:${mesh.port}`, credentials, { 'grpc.max_receive_message_length': -1 });
  });

  after(async () => {
    client.close();
    server.forceShutdown();
    for (const end of ending.reverse()) await end();
  });

  interface Called {
    readonly error: grpc.ServiceError | null;
    readonly value: Buffer | undefined;
    readonly metadata: grpc.Metadata | null;
    readonly trailers: grpc.Metadata;
  }

  function call(
    path: string,
    request: Buffer,
    options: grpc.CallOptions = {},
    metadata = new grpc.Metadata(),
  ): Promise<Called> {
    return new Promise((resolve) => {
      let headers: grpc.Metadata | null = null;
      let result: Pick<Called, 'error' | 'value'> | null = null;
      const made = client.makeUnaryRequest(
        path,
        asIs,
        asIs,
        request,
        metadata,
        options,
        (error, value) => (result = { error, value }),
      );
      made.on('metadata', (received: grpc.Metadata) => (headers = received));
      made.on('status', ({ metadata: trailers }: grpc.StatusObject) =>
        setImmediate(() => resolve({ ...result!, metadata: headers, trailers })),
      );
    });
  }

  test('makes no call by a right to read or write, whatever method and type of content it names', async () => {
    const before = seen.length;
    const session = http2.connect(`https://127.0.0.1:${mesh.port}`, {
      ...(await mesh.caller()),
      checkServerIdentity: () => undefined,
    });
    for (const [method, type] of [
      ['POST', 'application/grpcx'],
      ['POST', 'application/grpc-web+proto'],
      ['PUT', 'application/grpc'],
      ['GET', 'application/grpc'],
    ]) {
      const head = { ':path': '/chat.v1.Chat/Secret', ':method': method, 'content-type': type, te: 'trailers' };
      const stream = session.request(head, { endStream: false });
      stream.end(Buffer.alloc(5));
      const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      await once(stream.resume(), 'end');
      const id = answer['x-postern-decision-id'];
      const record = journalRecords(mesh.journalDir).find((one) => one['decision_id'] === id);
      assert.deepEqual([method, type, record?.['decision']], [method, type, 'deny']);
    }
    session.close();
    assert.equal(seen.length, before);
  });

  test('has its unary calls answered, with metadata both ways, binary too', async () => {
    const metadata = new grpc.Metadata();
    const octets = Buffer.from([0, 1, 2, 250, 255]);
    metadata.set('sent-bin', octets);
    const {
      error,
      value,
      metadata: headers,
      trailers,
    } = await call('/chat.v1.Chat/Echo', Buffer.from('hello'), {}, metadata);
    assert.deepEqual([error, String(value)], [null, 'hello']);
    assert.deepEqual(headers?.get('came-bin'), [octets]);
    assert.deepEqual(trailers.get('peer'), ['spiffe://prod.acme.com/ns/payments/api']);
  });

  test('hears the status of the server as it said it', async () => {
    const { error } = await call('/chat.v1.Chat/Echo', Buffer.from('fail'));
    assert.deepEqual([error?.code, error?.details], [grpc.status.NOT_FOUND, 'nöt ~ here']);
  });

  test('sends and gets large messages', async () => {
    const large = Buffer.alloc(3_000_000, 7);
    const { value } = await call('/chat.v1.Chat/Echo', large);
    assert.ok(value?.equals(large));
  });

  test('streams from the server, to the server, and both ways in turns', async () => {
    const counted: string[] = [];
    const count = client.makeServerStreamRequest('/chat.v1.Chat/Count', asIs, asIs, Buffer.from('500'));
    for await (const bytes of count) counted.push(String(bytes));
    assert.deepEqual(
      counted,
      Array.from({ length: 500 }, (_, at) => String(at)),
    );

    const sum = await new Promise<Buffer | undefined>((resolve, reject) => {
      const stream = client.makeClientStreamRequest('/chat.v1.Chat/Sum', asIs, asIs, (error, value) =>
        error === null ? resolve(value) : reject(error),
      );
      for (let at = 0; at < 300; at++) stream.write(Buffer.alloc(1_000));
      stream.end();
    });
    assert.equal(String(sum), '300000');

    const talk = client.makeBidiStreamRequest('/chat.v1.Chat/Talk', asIs, asIs);
    const replies = talk[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (const word of ['one', 'two', 'three']) {
      talk.write(Buffer.from(word));
      assert.equal(String((await replies.next()).value), `re: ${word}`);
    }
    talk.end();
    assert.equal((await replies.next()).done, true);
  });

  test('is denied by method with PERMISSION_DENIED, and the server never hears of it', async () => {
    const { error, trailers } = await call('/chat.v1.Chat/Secret', Buffer.from('x'));
    assert.equal(error?.code, grpc.status.PERMISSION_DENIED);
    assert.ok(!seen.includes('Secret'));
    const id = String(trailers.get('x-postern-decision-id')[0] ?? error?.metadata.get('x-postern-decision-id')[0]);
    const record = await waitFor('the record', () =>
      journalRecords(mesh.journalDir).find((one) => one['decision_id'] === id),
    );
    const action = record['action'] as Record<string, unknown>;
    assert.deepEqual(
      [record['decision'], action['name'], action['rpc'], action['protocol']],
      ['deny', 'call', 'chat.v1.Chat/Secret', 'grpc'],
    );
  });

  test('has its deadline told to the server, and its end when that is over; a cancel arrives there too', async () => {
    await call('/chat.v1.Chat/Echo', Buffer.from('x'), { deadline: Date.now() + 60_000 });
    assert.ok(deadlineMs > 0 && deadlineMs <= 60_000, String(deadlineMs));
    const { error } = await call('/chat.v1.Chat/Hang', Buffer.from('x'), { deadline: Date.now() + 300 });
    assert.equal(error?.code, grpc.status.DEADLINE_EXCEEDED);
    const hung = () => seen.filter((name) => name === 'Hang').length;
    const before = hung();
    const ended = new Promise<number>((resolve) => {
      const made = client.makeUnaryRequest('/chat.v1.Chat/Hang', asIs, asIs, Buffer.from('x'), (failure) =>
        resolve(failure?.code ?? -1),
      );
      void waitFor('the call at the server', () => hung() > before).then(() => made.cancel());
    });
    assert.equal(await ended, grpc.status.CANCELLED);
    await waitFor('the ends at the server', () => cancelled.length === hung());
  });

  test('whose right ends in the midst of a call is told PERMISSION_DENIED, after what it got before', async () => {
    const talk = client.makeBidiStreamRequest('/chat.v1.Chat/Talk', asIs, asIs);
    const failed = once(talk, 'error') as Promise<[grpc.ServiceError]>;
    talk.write(Buffer.from('one'));
    assert.equal(String((await once(talk, 'data'))[0]), 're: one');
    writeFileSync(mesh.policyFile, policy.replace('"grpc:/chat.v1.Chat/Talk", ', ''));
    assert.equal((await sidecar.admin('/reload', 'POST')).status, 200);
    const [error] = await failed;
    assert.equal(error.code, grpc.status.PERMISSION_DENIED);
    const id = error.metadata.get('x-postern-decision-id')[0];
    const isEnd = (row: Record<string, unknown>): boolean => row['type'] === 'outcome' && row['decision_id'] === id;
    const outcome = await waitFor('the outcome', () => journalRecords(mesh.journalDir).find(isEnd));
    assert.equal((outcome['outcome'] as { result: string }).result, 'revoked');
    writeFileSync(mesh.policyFile, policy);
    assert.equal((await sidecar.admin('/reload', 'POST')).status, 200);
  });

  test('whose right ends while it takes nothing gets nothing more, of what waits for it neither', async () => {
    const session = http2.connect(`https://127.0.0.1:${mesh.port}`, {
      ...(await mesh.caller()),
      checkServerIdentity: () => undefined,
      settings: { initialWindowSize: 100 },
    });
    session.on('error', () => {});
    const head = {
      ':path': '/chat.v1.Chat/Count',
      ':method': 'POST',
      'content-type': 'application/grpc',
      te: 'trailers',
    };
    const stream = session.request(head, { endStream: false });
    let received = 0;
    let trailers: unknown = null;
    stream.on('error', () => {});
    stream.on('trailers', (fields) => {
      trailers = fields;
    });
    // More than anybody holds for a stream.
    const message = Buffer.from('50000');
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
    await once(stream, 'response');
    writeFileSync(mesh.policyFile, policy.replace('"grpc:/chat.v1.Chat/Count", ', ''));
    assert.equal((await sidecar.admin('/reload', 'POST')).status, 200);
    const isEnd = (row: Record<string, unknown>): boolean =>
      row['type'] === 'outcome' && (row['outcome'] as { result: string; response_bytes: number }).result === 'revoked';
    await waitFor('both outcomes', () => journalRecords(mesh.journalDir).filter(isEnd).length === 2);
    // Only now it takes what there is: its window at first, and no more.
    stream.on('data', (bytes: Buffer) => {
      received += bytes.length;
    });
    await waitFor('the end', () => stream.closed || stream.destroyed);
    assert.ok(received <= 100, `${received} octets`);
    assert.equal(trailers, null);
    session.destroy();
    writeFileSync(mesh.policyFile, policy);
    assert.equal((await sidecar.admin('/reload', 'POST')).status, 200);
  });

  test('has many calls under way at once over few connections', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => call('/chat.v1.Chat/Echo', Buffer.from(String(at)))),
    );
    assert.deepEqual(
      answers.map(({ value }) => String(value)),
      Array.from({ length: 200 }, (_, at) => String(at)),
    );
  });

  test('beside callers of HTTP/1.1, who reach the same server', async () => {
    const peer = await RawPeer.connect(mesh.port, await mesh.caller()).secured();
    peer.send('GET /chat.v1.Chat/Echo HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(await peer.expect('\r\n\r\n'), /^HTTP\/1.1 (404|405|415) /);
    peer.close();
  });

  test('hears UNAVAILABLE where the server is gone', async () => {
    server.forceShutdown();
    const { error } = await call('/chat.v1.Chat/Echo', Buffer.from('x'));
    assert.equal(error?.code, grpc.status.UNAVAILABLE);
  });
});
