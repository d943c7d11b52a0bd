// `plaintext: permit`: callers with and without TLS on one port. The plain ones are nobody, judged as that, and on record.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { reportMigration } from '../../../src/audit/migration-report.ts';
import { createDevCa, type DevCa } from '../../../src/identity/dev-ca.ts';
import { freePort } from '../../harness/free-port.ts';
import { put, temporaryFolder } from '../../harness/sidecar-process.ts';
import { call, openSide, type TcpRecord, type TcpSide, textOf } from '../../harness/tcp-world.ts';
import { waitFor } from '../../harness/wait-for.ts';

const policy = `policy "migration":
  rules:
    - name: workloads
      effect: allow
      principals: { type: workload }
      actions: [read, write]
    - name: whoever-still-comes-in-plain
      effect: allow
      principals: { type: anonymous }
      actions: [read]
`;

interface Plain {
  readonly side: TcpSide;
  readonly port: number;
  readonly ca: DevCa;
}

function ask(port: number, method = 'GET'): Promise<{ status: number; body: string }> {
  const headers = { forwarded: 'for=10.0.0.1;proto=https' };
  return new Promise((resolve, reject) => {
    const request = http.request({ port, host: '127.0.0.1', method, agent: false, path: '/x', headers }, (answer) => {
      let body = '';
      answer.on('data', (piece: Buffer) => {
        body += String(piece);
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    request.on('error', reject);
    request.end();
  });
}

async function openHttp(t: { after(fn: () => void | Promise<void>): void }): Promise<Plain> {
  const workload = http.createServer((request, answer) => answer.end(JSON.stringify(request.headers)));
  await once(workload.listen(0, '127.0.0.1'), 'listening');
  t.after(() => void workload.close());
  const dir = temporaryFolder(t);
  const ca = await createDevCa({ dir: path.join(dir, 'ca'), trustDomain: 'prod.acme.com' });
  const port = await freePort();
  const inbound = `inbound:
  - name: api
    listen: 127.0.0.1:${port}
    plaintext: permit
    forward: http://127.0.0.1:${(workload.address() as AddressInfo).port}`;
  const id = 'spiffe://prod.acme.com/ns/payments/api';
  return { side: await openSide(t, { dir, ca, name: 'api', id }, [inbound, '', policy]), port, ca };
}

test('an HTTP listener that permits plain callers', async (t) => {
  const world = await openHttp(t);

  await t.test('serves them as nobody in particular, within what policy allows to nobody', async () => {
    const answer = await ask(world.port);
    assert.equal(answer.status, 200);
    const got = JSON.parse(answer.body) as http.IncomingHttpHeaders;
    assert.equal('x-forwarded-client-cert' in got, false);
    assert.equal(got.forwarded, 'for=10.0.0.1;proto=https, for=127.0.0.1;proto=http');
    assert.equal((await ask(world.port, 'POST')).status, 403);
    const [first] = world.side.records().filter((one) => one.type === 'decision');
    assert.deepEqual([first?.principal?.type, first?.principal?.workload_id], ['anonymous', 'anonymous']);
    assert.deepEqual((first as unknown as { tls: unknown }).tls, { resumed: false });
  });

  await t.test('serves those with TLS on the same port, by name', async () => {
    const svid = await world.ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/shop/front' });
    const credentials = { cert: svid.certChainPem, key: svid.keyPem, ca: world.ca.bundlePem };
    const status = await new Promise((resolve, reject) => {
      const options = { ...credentials, port: world.port, method: 'POST', agent: false };
      const request = https.request({ ...options, checkServerIdentity: () => undefined }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      request.on('error', reject);
      request.end();
    });
    assert.equal(status, 200);
  });

  await t.test('counts them in the report of who still does', async () => {
    const { rows } = await reportMigration(path.join(world.side.dir, 'journal'), 'plaintext', {});
    assert.deepEqual(
      rows.map(({ who, listener, action, allowed, denied }) => [who, listener, action, allowed, denied]),
      [
        ['127.0.0.1', 'api', 'read', 1, 0],
        ['127.0.0.1', 'api', 'write', 0, 1],
      ],
    );
  });

  await t.test('refuses them from the moment on that it says so, also on open connections', async () => {
    const socket = call(world.port);
    socket.write('GET /x HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(socket, 'data');
    const file = path.join(world.side.dir, 'postern.yaml');
    put(world.side.dir, 'postern.yaml', readFileSync(file, 'utf8').replace('plaintext: permit', 'plaintext: refuse'));
    await world.side.sidecar.reload();
    await textOf(socket).catch(() => {});
    const isEnd = (one: TcpRecord): boolean => one.reason === 'reauth_revoked';
    await waitFor('the end on record', () => world.side.records().find(isEnd));
    await assert.rejects(ask(world.port));
    await waitFor('the refusal on record', () => world.side.records().find(({ reason }) => reason === 'authn_failed'));
  });
});
