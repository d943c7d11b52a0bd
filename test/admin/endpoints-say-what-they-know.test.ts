// The endpoints over a real socket: what each answers, how faults are told, what is not there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnPath } from '../../src/admin/own-paths.ts';
import { PosternError } from '../../src/errors.ts';
import { ask, openAdmin, post } from './admin-fixture.ts';

test('an unknown path is a problem with the list of endpoints', async (context) => {
  const { port } = await openAdmin(context);
  const answer = await ask(port, '/nowhere');
  assert.equal(answer.status, 404);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const { status, endpoints } = answer.json() as { status: number; endpoints: string[] };
  assert.equal(status, 404);
  for (const start of ['GET /readyz', 'GET /metrics', 'GET /decisions/{id}', 'POST /policy/explain', 'POST /quit']) {
    assert.ok(
      endpoints.some((line) => line.startsWith(start)),
      start,
    );
  }
});

test('what `check` refuses as a health path of the workload is just what the API answers itself', async (context) => {
  const { port } = await openAdmin(context);
  const { endpoints } = (await ask(port, '/nowhere')).json() as { endpoints: string[] };
  const paths = endpoints.map((line) => line.split(' ')[1]!.replace('{id}', '0190aaaa'));
  assert.deepEqual(
    paths.filter((path) => !isOwnPath(path)),
    [],
    'of the API, and not refused',
  );
  assert.equal(paths.length, 15, 'one more endpoint: name it in own-paths.ts, too');
  for (const path of ['/healthz', '/decisions/', '/decisions/a/b', '/policies', '/readyz/'])
    assert.equal(isOwnPath(path), false, path);
});

for (const [method, path, allow] of [
  ['POST', '/readyz', 'GET, HEAD'],
  ['DELETE', '/config', 'GET, HEAD'],
  ['GET', '/quit', 'POST'],
  ['HEAD', '/reload', 'POST'],
  ['PUT', '/decisions/0190aaaa-0000-7000-8000-000000000000', 'GET, HEAD'],
] as const) {
  test(`${method} ${path} is 405 and says ${allow}`, async (context) => {
    const { port, calls } = await openAdmin(context);
    const answer = await ask(port, path, { method, headers: { 'content-type': 'application/json' } });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers['allow'], allow);
    assert.deepEqual(calls, []);
  });
}

test('/metrics is the text of the scrape with its type', async (context) => {
  const { port } = await openAdmin(context);
  const answer = await ask(port, '/metrics');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4');
  assert.equal(answer.text, 'postern_ready 1\n');
});

test('/config masks secrets', async (context) => {
  const { port } = await openAdmin(context, {
    views: {
      config: () => ({ listen: '127.0.0.1:1', sink: { url: 'https://h/31337', authorization: 'Basic abc' } }),
      configSecrets: () => new Set(['31337']),
    },
  });
  const { text } = await ask(port, '/config');
  assert.doesNotMatch(text, /31337|Basic/);
  assert.match(text, /127\.0\.0\.1:1/);
});

test('/identity is 503 before there is one', async (context) => {
  const { port } = await openAdmin(context);
  assert.equal((await ask(port, '/identity')).status, 503);
});

test('/policy names the rules that were never used', async (context) => {
  const rule = { policy: 'p', mode: 'enforce', effect: 'allow' } as const;
  const rules = [
    { ...rule, rule: 'used', hits: 3 },
    { ...rule, rule: 'unused', hits: 0 },
  ];
  const { port } = await openAdmin(context, {
    views: { policy: () => ({ digest: 'sha256:1', loaded_at: 'then', rules }) },
  });
  assert.deepEqual((await ask(port, '/policy')).json(), {
    digest: 'sha256:1',
    loaded_at: 'then',
    rule_count: 2,
    rules,
    unused_rules: [{ policy: 'p', rule: 'unused', mode: 'enforce' }],
  });
});

test('/policy/explain gives the body on and the explanation back', async (context) => {
  const { port } = await openAdmin(context);
  const question = { action: 'read' };
  assert.deepEqual((await post(port, '/policy/explain', question)).json(), { explained: question });
  assert.equal((await post(port, '/policy/explain', undefined)).status, 400);
});

const faults = [
  { code: 'ERR_POLICY_REQUEST', status: 400 },
  { code: 'ERR_CONFIG_INVALID', status: 422 },
  { code: 'ERR_JOURNAL_UNAVAILABLE', status: 503 },
  { code: 'ERR_INTERNAL', status: 500 },
] as const;

for (const { code, status } of faults) {
  test(`a coded fault ${code} is ${status} with its code and mend`, async (context) => {
    const finding = { code, severity: 'error', message: 'a fault', mend: 'mend it', position: undefined } as const;
    const { port } = await openAdmin(context, {
      controls: { reload: () => Promise.reject(new PosternError(code, 'it is refused', { findings: [finding] })) },
    });
    const answer = await post(port, '/reload', {});
    assert.equal(answer.status, status);
    const body = answer.json();
    assert.equal(body['code'], code);
    assert.equal(body['detail'], 'it is refused');
    assert.equal((body['findings'] as unknown[]).length, 1);
  });
}

test('a defect is 500 without a word of it, and is handed to the log', async (context) => {
  const defect = new Error('secret detail');
  const { port, errors } = await openAdmin(context, {
    views: {
      explain: () => {
        throw defect;
      },
    },
  });
  const answer = await post(port, '/policy/explain', {});
  assert.equal(answer.status, 500);
  assert.doesNotMatch(answer.text, /secret detail/);
  assert.deepEqual(errors, [defect]);
});

test('/reload, /drain and /quit do what they say, /quit after its answer', async (context) => {
  const { port, calls } = await openAdmin(context);
  assert.deepEqual((await post(port, '/reload', undefined)).json(), { result: 'applied', notes: [] });
  assert.equal((await post(port, '/drain', {})).status, 202);
  assert.equal((await post(port, '/quit', {})).status, 202);
  for (let tries = 0; calls.length < 3 && tries < 100; tries++) await new Promise(setImmediate);
  assert.deepEqual(calls, ['reload', 'drain', 'quit']);
});

test('/log-level changes the level and says the one before; another word is refused', async (context) => {
  const { port } = await openAdmin(context);
  assert.deepEqual((await post(port, '/log-level', { level: 'debug' })).json(), { level: 'debug', before: 'info' });
  for (const body of [{ level: 'loud' }, { level: 7 }, {}, null, [], 'debug', undefined]) {
    assert.equal((await post(port, '/log-level', body)).status, 400, JSON.stringify(body));
  }
  assert.deepEqual((await post(port, '/log-level', { level: 'info' })).json(), { level: 'info', before: 'debug' });
});

test('requests on one connection are answered in order', async (context) => {
  const { port } = await openAdmin(context);
  const { Agent, request } = await import('node:http');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  context.after(() => agent.destroy());
  const statuses: number[] = [];
  for (const path of ['/livez', '/nowhere', '/metrics']) {
    await new Promise<void>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, agent }, (response) => {
        statuses.push(response.statusCode ?? 0);
        response.resume().once('end', resolve);
      })
        .once('error', reject)
        .end();
    });
  }
  assert.deepEqual(statuses, [200, 404, 200]);
});
