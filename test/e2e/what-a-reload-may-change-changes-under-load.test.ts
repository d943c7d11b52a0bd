// Everything that a reload may change, one after the other, while requests flow: each takes effect, and no request fails.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createDevCa } from '../../src/identity/dev-ca.ts';
import { Mesh, openPolicy } from '../harness/mesh.ts';
import { type PeerCredentials, RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, type SidecarProcess } from '../harness/sidecar-process.ts';
import { SteadyLoad } from '../harness/steady-load.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Each changes one thing that a reload may change; the probe sees that it is in force. */
interface Change {
  readonly what: string;
  readonly apply: (mesh: Mesh) => void | Promise<void>;
  readonly inForce: (ask: Asked) => Promise<boolean>;
}

interface Asked {
  readonly mesh: Mesh;
  readonly sidecar: SidecarProcess;
  readonly config: () => Promise<string>;
  /** Head and body of the answer to a request of one connection. */
  readonly answer: (request: string) => Promise<string>;
  /** Of the certificate that a caller is shown now, and was shown at first. */
  readonly serial: () => Promise<string | undefined>;
  readonly firstSerial: string | undefined;
  /** Whether a caller of the other trust domain gets through its handshake and an answer. */
  readonly otherIsServed: () => Promise<boolean>;
}

function edit(mesh: Mesh, from: string, to: string): void {
  const config = mesh.readConfig();
  assert.ok(config.includes(from), from);
  mesh.put('postern.yaml', config.replace(from, to));
}

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

const changes: readonly Change[] = [
  {
    what: 'limits of a listener',
    apply: (mesh) => edit(mesh, 'limits: {}', 'limits: { headers: 20, upstream_response: 7s }'),
    inForce: async ({ answer }) => (await answer(get('/', 'a: b\r\n'.repeat(30)))).startsWith('HTTP/1.1 431'),
  },
  {
    what: 'routes',
    apply: (mesh) =>
      edit(mesh, 'routes: []', 'routes: [{ match: { path: /admin }, resource: { type: service }, action: drop }]'),
    inForce: async ({ answer }) => (await answer(get('/admin'))).startsWith('HTTP/1.1 403'),
  },
  {
    what: 'how a denied caller is answered',
    apply: (mesh) => edit(mesh, 'deny: {}', 'deny: { status: 404 }'),
    inForce: async ({ answer }) => (await answer(get('/admin'))).startsWith('HTTP/1.1 404'),
  },
  {
    what: 'how paths are read',
    apply: (mesh) => edit(mesh, 'path_normalization: reject', 'path_normalization: canonicalize'),
    inForce: async ({ answer }) => (await answer(get('/a/../b'))).startsWith('HTTP/1.1 200'),
  },
  {
    what: 'the mode of a listener',
    apply: (mesh) => edit(mesh, 'mode: enforce', 'mode: shadow'),
    inForce: async ({ answer }) => (await answer(get('/admin'))).startsWith('HTTP/1.1 200'),
  },
  {
    what: 'guard rails around the policy',
    apply: (mesh) => edit(mesh, 'paths: [policies/]', 'paths: [policies/]\n  environment_boundary: alarm'),
    inForce: async ({ config }) => (await config()).includes('"environmentBoundary": "alarm"'),
  },
  {
    what: 'a shadow policy',
    apply: (mesh) => {
      mkdirSync(path.join(mesh.dir, 'next'));
      mesh.put('next/next.yaml', openPolicy.replace('name: all', 'name: next'));
      edit(mesh, 'paths: [policies/]', 'paths: [policies/]\n  shadow: [next/]');
    },
    inForce: async ({ sidecar }) => /"rule": "next",\s+"mode": "shadow"/.test((await sidecar.admin('/policy')).body),
  },
  {
    what: 'headers that are recorded',
    apply: (mesh) => edit(mesh, 'stdout: off', 'stdout: off\n  redact: { headers: [x-tenant] }'),
    inForce: async ({ answer, mesh }) => {
      await answer(get('/', 'x-tenant: acme\r\n'));
      return journalRecords(mesh.journalDir).some((one) => JSON.stringify(one).includes('"x-tenant"'));
    },
  },
  {
    what: 'the time of a drain',
    apply: (mesh) => edit(mesh, 'drain: 2s', 'drain: 1s'),
    inForce: async ({ config }) => (await config()).includes('"drainMs": 1000'),
  },
  {
    what: 'the bundle of a federated trust domain',
    apply: async (mesh) => {
      const next = await createDevCa({ dir: path.join(mesh.dir, 'next-ca'), trustDomain: 'partner.example' });
      mesh.put('other.pem', next.bundlePem);
    },
    inForce: async ({ otherIsServed }) => !(await otherIsServed()),
  },
  {
    what: 'the own certificate',
    apply: async (mesh) => {
      const next = await mesh.ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/server' });
      mesh.put('tls.crt', next.certChainPem);
      mesh.put('tls.key', next.keyPem);
    },
    inForce: async ({ serial, firstSerial }) => (await serial()) !== firstSerial,
  },
  {
    what: 'the level of the log',
    apply: () => {},
    inForce: async ({ sidecar }) =>
      (await sidecar.admin('/log-level', 'POST', { level: 'debug' })).body.includes('"before": "debug"'),
  },
];

async function answerTo(port: number, credentials: PeerCredentials, request: string): Promise<string> {
  const peer = RawPeer.connect(port, credentials);
  peer.send(request);
  await waitFor('an answer', () => peer.received.includes('\r\n\r\n') || peer.closed);
  peer.close();
  return peer.received;
}

const listener = `    limits: {}
    routes: []
    deny: {}
    path_normalization: reject
    mode: enforce
`;

for (const workers of [1, 2]) {
  test(`whatever a reload may change takes effect under load, without a failed request: workers ${workers}`, async (t) => {
    const workload = await RecordingWorkload.start();
    t.after(() => workload.stop());
    const sections = { workers: `workers: ${workers}\n` };
    const otherTrustDomain = 'partner.example';
    const mesh = await Mesh.create(t, { workloadPort: workload.port, inbound: listener, otherTrustDomain, sections });
    const sidecar = await mesh.start(t);
    const caller = await mesh.caller();
    const other = await mesh.callerOfOther('spiffe://partner.example/ns/a/b');
    const serial = async (): Promise<string | undefined> => {
      const peer = await RawPeer.connect(mesh.port, caller).secured();
      const shown = peer.socket.getPeerX509Certificate()?.serialNumber;
      peer.close();
      return shown;
    };
    const asked: Asked = {
      serial,
      firstSerial: await serial(),
      mesh,
      sidecar,
      config: async () => (await sidecar.admin('/config')).body,
      answer: (request) => answerTo(mesh.port, caller, request),
      otherIsServed: async () => (await answerTo(mesh.port, other, get('/'))).startsWith('HTTP/1.1'),
    };
    const load = new SteadyLoad({ port: mesh.port, credentials: caller, concurrency: 4 }).start();
    await waitFor('load', () => load.answered > 20);
    const { connections } = load;
    assert.ok(await asked.otherIsServed());
    for (const { what, apply, inForce } of changes) {
      assert.equal(await inForce(asked), false, `${what} is not so from the start`);
      await apply(mesh);
      const reload = await sidecar.admin('/reload', 'POST');
      assert.equal(reload.status, 200, `${what}: ${reload.body}`);
      await waitFor(what, () => inForce(asked));
    }
    const answered = load.answered;
    await waitFor('more load', () => load.answered > answered + 20);
    await load.stop();
    assert.deepEqual([load.failures, [...load.statuses.keys()]], [[], [200]]);
    assert.equal(load.connections, connections, 'no connection was dropped');
  });
}
