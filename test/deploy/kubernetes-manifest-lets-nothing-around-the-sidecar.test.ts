import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { createDevCa } from '../../src/identity/dev-ca.ts';
import { parseDuration } from '../../src/lib/duration.ts';
import { parseSize } from '../../src/lib/size.ts';
import { runToEnd } from './shell-command.ts';

const root = dirname(dirname(import.meta.dirname));
const text = readFileSync(join(root, 'deploy/kubernetes/postern-sidecar.yaml'), 'utf8');

const probe = z.object({ exec: z.object({ command: z.array(z.string()) }) });
const container = z.object({
  name: z.string(),
  restartPolicy: z.string().optional(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  ports: z.array(z.object({ containerPort: z.number() })).optional(),
  startupProbe: probe.optional(),
  readinessProbe: probe.optional(),
  livenessProbe: probe.optional(),
  resources: z.object({ requests: z.object({}), limits: z.object({ memory: z.string() }) }),
  securityContext: z.looseObject({}),
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() })),
});
const deployment = z.object({
  spec: z.object({
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        automountServiceAccountToken: z.literal(false),
        terminationGracePeriodSeconds: z.number(),
        securityContext: z.looseObject({}),
        initContainers: z.array(container),
        containers: z.array(container),
        volumes: z.array(
          z.looseObject({ name: z.string(), emptyDir: z.object({ sizeLimit: z.string().optional() }).optional() }),
        ),
      }),
    }),
  }),
});

const documents = parseAllDocuments(text).map((document) => {
  assert.deepEqual(document.errors, []);
  return document.toJS() as { kind: string; metadata: { name: string; namespace: string } };
});

function only(kind: string): unknown {
  const found = documents.filter((document) => document.kind === kind);
  assert.equal(found.length, 1, `${kind}: ${found.length}`);
  return found[0];
}

const { template, selector } = deployment.parse(only('Deployment')).spec;
const pod = template.spec;
const sidecar = pod.initContainers[0];
const configMap = z.object({ data: z.record(z.string(), z.string()) }).parse(only('ConfigMap')).data;
const posternYaml = configMap['postern.yaml'] ?? '';
const config = z
  .object({
    inbound: z.tuple([z.object({ listen: z.string(), forward: z.string() })]),
    audit: z.object({ journal: z.object({ dir: z.string(), keep: z.string() }) }),
    admin: z.object({ listen: z.string() }),
    shutdown: z.object({ drain: z.string() }),
  })
  .parse(parse(posternYaml));

test('everything is in one namespace', () => {
  assert.deepEqual([...new Set(documents.map((document) => document.metadata.namespace))], ['shop']);
});

test('Postern is a native sidecar: the app starts after it is ready, and ends before it', () => {
  assert.equal(pod.initContainers.length, 1);
  assert.equal(sidecar?.restartPolicy, 'Always');
  for (const [name, path] of [
    ['startupProbe', '/startupz'],
    ['readinessProbe', '/readyz'],
    ['livenessProbe', '/livez'],
  ] as const) {
    assert.deepEqual(sidecar?.[name]?.exec.command.slice(-2), [config.admin.listen, path], name);
  }
});

test('the pod has time for the drain', () => {
  assert.ok(pod.terminationGracePeriodSeconds * 1000 >= parseDuration(config.shutdown.drain) + 15_000);
});

for (const { name, securityContext } of [...pod.initContainers, ...pod.containers]) {
  test(`the container ${name} has no rights that it does not need`, () => {
    assert.deepEqual(securityContext, {
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    });
  });
}

test('the app listens on localhost, where Postern forwards to', () => {
  const { hostname, port } = new URL(config.inbound[0].forward);
  const command = pod.containers[0]?.command ?? [];
  assert.equal(hostname, '127.0.0.1');
  assert.equal(command[command.indexOf('--bind') + 1], '127.0.0.1');
  assert.ok(command.includes(port));
  assert.equal(pod.containers[0]?.ports, undefined);
});

test("service and network policy lead to Postern's port and to no other", () => {
  const port = Number(config.inbound[0].listen.split(':').at(-1));
  const service = z.object({
    spec: z.object({ selector: z.object({}), ports: z.array(z.looseObject({ port: z.number() })) }),
  });
  const policy = z.object({
    spec: z.object({
      podSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
      policyTypes: z.array(z.string()),
      ingress: z.array(z.strictObject({ ports: z.array(z.strictObject({ protocol: z.string(), port: z.number() })) })),
    }),
  });
  assert.deepEqual(
    sidecar?.ports?.map((entry) => entry.containerPort),
    [port],
  );
  assert.deepEqual(
    service.parse(only('Service')).spec.ports.map((entry) => entry.port),
    [port],
  );
  const { podSelector, policyTypes, ingress } = policy.parse(only('NetworkPolicy')).spec;
  assert.deepEqual(podSelector.matchLabels, template.metadata.labels);
  assert.deepEqual(selector.matchLabels, template.metadata.labels);
  assert.deepEqual(policyTypes, ['Ingress']);
  assert.deepEqual(ingress, [{ ports: [{ protocol: 'TCP', port }] }]);
});

test('every mount has its volume, and all but journal, socket and app files are read-only', () => {
  const volumes = new Set(pod.volumes.map((volume) => volume.name));
  for (const { name } of [...(sidecar?.volumeMounts ?? []), ...(pod.containers[0]?.volumeMounts ?? [])])
    assert.ok(volumes.has(name), name);
  const writable = sidecar?.volumeMounts.filter((mount) => mount.readOnly !== true).map((mount) => mount.mountPath);
  assert.deepEqual(writable, ['/var/lib/postern', '/run/postern']);
});

test('the journal is kept smaller than its volume, which would otherwise evict the pod', () => {
  const limit = pod.volumes.find((volume) => volume.name === 'postern-journal')?.emptyDir?.sizeLimit ?? '';
  assert.ok(parseSize(config.audit.journal.keep) * 2 <= parseSize(`${limit}B`));
});

test('`postern check` accepts the configuration and its policy without a finding', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-kube-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const ca = await createDevCa({ dir: join(folder, 'ca'), trustDomain: 'prod.acme.com' });
  const svid = await ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/shop/sa/orders' });
  const files = {
    ...configMap,
    'postern.yaml': posternYaml
      .replaceAll('/run/svid', folder)
      .replace('/var/lib/postern', folder)
      .replace('/run/postern', folder),
    'tls.crt': svid.certChainPem,
    'tls.key': svid.keyPem,
    'ca.crt': ca.bundlePem,
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { mode: 0o600 });
  const { code, output } = await runToEnd(
    [process.execPath, join(root, 'bin/postern'), 'check', '-c', join(folder, 'postern.yaml')],
    { cwd: folder },
  );
  assert.equal(code, 0, output);
});
