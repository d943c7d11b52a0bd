// The PROXY protocol at both doors: a load balancer before Postern is believed where configured, and only there; a workload
// behind it is told who connects.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { encodeProxyHeader, readProxyHeader } from '../../../src/wire/proxy-header.ts';
import { broken, call, serve, type TcpRecord, TcpWorld, textOf } from '../../harness/tcp-world.ts';
import { waitFor } from '../../harness/wait-for.ts';

const behind = { source: { address: '203.0.113.9', port: 4711 }, destination: { address: '198.51.100.1', port: 443 } };

/** Through a load balancer that says `header`, in two pieces. */
async function throughBalancer(world: TcpWorld, header: Uint8Array): Promise<tls.TLSSocket> {
  const raw = net.connect(world.serverPort, '127.0.0.1');
  raw.setNoDelay();
  raw.on('error', () => {});
  raw.write(header.subarray(0, 7));
  await once(raw, 'connect');
  raw.write(header.subarray(7));
  const svid = await world.ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/shop/front' });
  return tls.connect({
    socket: raw,
    cert: svid.certChainPem,
    key: svid.keyPem,
    ca: world.ca.bundlePem,
    checkServerIdentity: () => undefined,
  });
}

test('the workload gets a header with the ends and the SPIFFE ID, and then what the peer sends', async (t) => {
  const heard: Buffer[] = [];
  const server = await serve(t, (socket) => {
    socket.on('data', (bytes: Buffer) => heard.push(bytes));
    socket.on('end', () => socket.end());
  });
  const world = await TcpWorld.open(t, { server, inbound: '    proxy_protocol: { send: v2 }\n' });
  const socket = call(world.port);
  socket.end('payload');
  await textOf(socket);
  const all = Buffer.concat(heard);
  const header = readProxyHeader(all);
  assert.ok(header.kind === 'whole' && header.ends !== null);
  assert.equal(header.ends.destination.port, world.serverPort);
  assert.equal(all.subarray(header.length).toString(), 'payload');
  const { begin } = await world.ended(world.database);
  const id = 'spiffe://prod.acme.com/ns/shop/front';
  const fields = all.subarray(28, header.length).toString('latin1');
  assert.equal(fields, `\xe0\x00${String.fromCharCode(id.length)}${id}\xe1\x00\x24${begin.decision_id}`);
});

test('a load balancer says from where a connection comes; policy and record go by that', async (t) => {
  const server = await serve(t, (socket) => socket.end('served'));
  const more = '    proxy_protocol: { accept_from: [127.0.0.1/32] }\n';
  const world = await TcpWorld.open(t, { server, inbound: more });
  assert.equal(await textOf(await throughBalancer(world, encodeProxyHeader(behind, []))), 'served');
  const { begin } = await world.ended(world.database);
  assert.deepEqual([begin.network?.source_ip, begin.network?.source_port], ['203.0.113.9', 4711]);
  assert.equal((begin.network as { is_internal?: boolean }).is_internal, false);

  // From its addresses nobody comes without a header, be it TLS at once or version 1.
  for (const opening of ['\x16\x03\x01', 'PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n']) {
    const stranger = call(world.serverPort);
    stranger.write(opening, 'latin1');
    await broken(stranger);
  }
  const isBadHeader = (one: TcpRecord): boolean =>
    (one as { authn_failure?: { cause?: string } }).authn_failure?.cause === 'proxy_header_invalid';
  await waitFor('both on record', () => world.database.records().filter(isBadHeader).length === 2);
});

test('from elsewhere nobody is believed: a header is a failed handshake', async (t) => {
  const server = await serve(t, (socket) => socket.end('served'));
  const more = '    proxy_protocol: { accept_from: [192.0.2.0/24] }\n';
  const world = await TcpWorld.open(t, { server, inbound: more });
  const stranger = call(world.serverPort);
  stranger.write(encodeProxyHeader(behind, []));
  await broken(stranger);
  await waitFor('the refusal', () => world.database.records().find(({ reason }) => reason === 'authn_failed'));
});
