// Unix sockets wherever a port may stand: listeners of both directions and both protocols, and the workload.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { renameSync, statSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { createDevCa } from '../../../src/identity/dev-ca.ts';
import { freePort } from '../../harness/free-port.ts';
import { temporaryFolder } from '../../harness/sidecar-process.ts';
import { openSide, serve, textOf } from '../../harness/tcp-world.ts';

const policy = `policy "open":
  principals: { type: workload }
  rules: [{ name: all, effect: allow }]
`;

test('a sidecar whose every address but one is a unix socket serves HTTP and TCP both ways', async (t) => {
  const dir = temporaryFolder(t, 'pu-');
  const at = (name: string): string => path.join(dir, name);
  const workload = http.createServer((request, answer) => answer.end(`got ${request.url}`));
  await once(workload.listen(at('app')), 'listening');
  t.after(() => void workload.close());
  await serve(t, (socket) => socket.pipe(socket), at('echo'));
  const ca = await createDevCa({ dir: at('ca'), trustDomain: 'prod.acme.com' });
  const [web, tcp, other] = [await freePort(), await freePort(), await freePort()];
  const accept = 'accept: ["spiffe://prod.acme.com/**"]';
  const listeners = `inbound:
  - { name: in-http, listen: "unix:${at('in-http')}", socket_mode: "0660", forward: "unix:${at('app')}" }
  - { name: in-tcp, listen: "unix:${at('in-tcp')}", protocol: tcp, forward: "unix:${at('echo')}" }
  - { name: web, listen: 127.0.0.1:${web}, forward: "unix:${at('app')}" }
  - { name: tcp, listen: 127.0.0.1:${tcp}, protocol: tcp, forward: "unix:${at('echo')}" }
outbound:
  - { name: out-http, listen: "unix:${at('out-http')}", to: [127.0.0.1:${web}], ${accept} }
  - { name: out-other, listen: "127.1.0.7:${other}", to: [127.0.0.1:${web}], ${accept} }
  - { name: out-tcp, listen: "unix:${at('out-tcp')}", protocol: tcp, to: [127.0.0.1:${tcp}], ${accept} }`;
  const id = 'spiffe://prod.acme.com/ns/payments/api';
  await leaveBehind(at('in-tcp'));
  await leaveBehind(at('out-tcp'));
  const side = await openSide(t, { dir, ca, name: 'side', id }, [listeners, '', policy]);

  assert.deepEqual(
    ['in-http', 'in-tcp', 'out-http', 'out-tcp'].map((name) => (statSync(at(name)).mode & 0o777).toString(8)),
    ['660', '600', '600', '600'],
  );
  assert.equal(await ask(http.request({ socketPath: at('out-http'), path: '/out', agent: false })), 'got /out');
  // Where a line of /etc/hosts leads programs: all of 127.0.0.0/8 is this machine.
  const elsewhere = { host: '127.1.0.7', port: other, path: '/other', headers: { host: 'orders' }, agent: false };
  assert.equal(await ask(http.request(elsewhere)), 'got /other');
  const plain = net.connect({ path: at('out-tcp'), allowHalfOpen: true });
  plain.end('to the echo');
  assert.equal(await textOf(plain), 'to the echo');

  const svid = await ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/shop/front' });
  const shown = { cert: svid.certChainPem, key: svid.keyPem, ca: ca.bundlePem, checkServerIdentity: () => undefined };
  const options = { ...shown, socketPath: at('in-http'), path: '/in', agent: false };
  assert.equal(await ask(https.request(options)), 'got /in');
  const records = side.records().filter((one) => one.type === 'decision');
  const fromSocket = records.find((one) => one.principal?.workload_id === 'spiffe://prod.acme.com/ns/shop/front');
  assert.deepEqual(fromSocket?.network, { direction: 'inbound', is_internal: true });
});

/** A socket file as a killed process leaves it: Node takes away the one that it made, at the path where it made it. */
async function leaveBehind(file: string): Promise<void> {
  const server = net.createServer();
  await once(server.listen(`${file}-before`), 'listening');
  renameSync(`${file}-before`, file);
  await new Promise((resolve) => server.close(resolve));
}

function ask(request: http.ClientRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (answer) => {
      let text = '';
      answer.on('data', (piece: Buffer) => {
        text += String(piece);
      });
      answer.on('end', () => resolve(text));
    });
    request.end();
  });
}
