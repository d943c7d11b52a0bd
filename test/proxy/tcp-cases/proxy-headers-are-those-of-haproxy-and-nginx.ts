// The PROXY protocol with those who made it: a caller comes through a real HAProxy, Postern believes its header and makes its own,
// and a real nginx and HAProxy read that.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { createDevCa } from '../../../src/identity/dev-ca.ts';
import { freePort } from '../../harness/free-port.ts';
import { put, temporaryFolder } from '../../harness/sidecar-process.ts';
import { openSide, type TcpRecord } from '../../harness/tcp-world.ts';
import { waitFor } from '../../harness/wait-for.ts';
import { requireTool } from '../../require-tool.ts';

const policy = 'policy "open":\n  principals: { type: workload }\n  rules: [{ name: all, effect: allow }]\n';
const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

interface Ports {
  /** Where HAProxy balances, the two listeners of Postern, and the two servers. */
  readonly toNginx: number;
  readonly toHaproxy: number;
  readonly beforeNginx: number;
  readonly beforeHaproxy: number;
  readonly nginx: number;
  readonly haproxy: number;
}

function nginxConfig(dir: string, { nginx }: Ports): string {
  const folders = temporary.map((one) => `${one}_temp_path ${dir}/${one};`).join(' ');
  const says = '$proxy_protocol_addr $proxy_protocol_port to $proxy_protocol_server_port';
  return `daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log; events {}
http { access_log off; ${folders}
  server { listen 127.0.0.1:${nginx} proxy_protocol; location / { return 200 "${says}"; } } }
`;
}

function haproxyConfig(ports: Ports): string {
  const balancer = (name: string, from: number, to: number): string => `listen ${name}
  mode tcp
  bind 127.0.0.1:${from}
  server postern 127.0.0.1:${to} send-proxy-v2
`;
  return `defaults
  timeout connect 20s
  timeout client 60s
  timeout server 60s
${balancer('to-nginx', ports.toNginx, ports.beforeNginx)}${balancer('to-haproxy', ports.toHaproxy, ports.beforeHaproxy)}frontend server
  mode http
  bind 127.0.0.1:${ports.haproxy} accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] to %[dst_port]"
`;
}

async function run(t: TestContext, command: string, args: readonly string[], ports: readonly number[]): Promise<void> {
  const child = spawn(command, args, { stdio: 'ignore' });
  t.after(async () => {
    child.kill('SIGKILL');
    await waitFor('it to end', () => child.exitCode !== null || child.signalCode !== null);
  });
  const isOpen = (port: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
  for (const port of ports) await waitFor(`${path.basename(command)} to listen`, () => isOpen(port));
}

test('what HAProxy says of a caller reaches policy and record, and nginx and HAProxy behind Postern', async (t) => {
  const [haproxy, nginx] = [requireTool(t, 'haproxy'), requireTool(t, 'nginx')];
  if (haproxy === null || nginx === null) return;
  const dir = temporaryFolder(t);
  const ports: Ports = {
    toNginx: await freePort(),
    toHaproxy: await freePort(),
    beforeNginx: await freePort(),
    beforeHaproxy: await freePort(),
    nginx: await freePort(),
    haproxy: await freePort(),
  };
  const nginxFile = put(dir, 'nginx.conf', nginxConfig(dir, ports));
  await run(t, nginx, ['-e', `${dir}/error.log`, '-c', nginxFile], [ports.nginx]);
  const haproxyFile = put(dir, 'haproxy.cfg', haproxyConfig(ports));
  await run(t, haproxy, ['-db', '-f', haproxyFile], [ports.toNginx, ports.toHaproxy, ports.haproxy]);
  const ca = await createDevCa({ dir: path.join(dir, 'ca'), trustDomain: 'prod.acme.com' });
  const listener = (name: string, at: number, to: number): string =>
    `  - { name: ${name}, listen: 127.0.0.1:${at}, protocol: tcp, forward: "tcp://127.0.0.1:${to}", limits: { upstream_connect: 20s }, proxy_protocol: { send: v2, accept_from: [127.0.0.1/32] } }\n`;
  const rows = `${listener('nginx', ports.beforeNginx, ports.nginx)}${listener('haproxy', ports.beforeHaproxy, ports.haproxy)}`;
  const id = 'spiffe://prod.acme.com/ns/web/server';
  const side = await openSide(t, { dir, ca, name: 'side', id }, [`inbound:\n${rows}`, '', policy]);
  const svid = await ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/web/client' });
  const shown = { cert: svid.certChainPem, key: svid.keyPem, ca: ca.bundlePem, checkServerIdentity: () => undefined };

  for (const [name, port] of [
    ['nginx', ports.toNginx],
    ['haproxy', ports.toHaproxy],
  ] as const) {
    const socket = tls.connect({ ...shown, port, host: '127.0.0.1' });
    await once(socket, 'secureConnect');
    const from = socket.localPort;
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const answer = await text(socket);
    assert.ok(answer.endsWith(`127.0.0.1 ${from} to ${port}`), `${name}: ${answer}`);
    const isThis = ({ type, network }: TcpRecord): boolean => type === 'decision' && network?.source_port === from;
    assert.equal(side.records().filter(isThis).length, 1);
  }
});
