// What docs/identity.md and deploy/kubernetes say of the Workload API is what Postern takes: the configurations as they
// stand, `check` without an agent, `identity show` with one and without.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments, stringify } from 'yaml';
import * as z from 'zod';
import { FakeAgent } from '../harness/fake-agent.ts';
import { openPolicy } from '../harness/mesh.ts';
import { put, temporaryFolder } from '../harness/sidecar-process.ts';
import { program } from '../program.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

function postern(...args: string[]): Promise<{ code: number; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; output: string }>();
  const command = [program, ...args];
  execFile(process.execPath, command, { encoding: 'utf8' }, (error, stdout, stderr) => {
    resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
  });
  return promise;
}

/** The example of the docs as a whole configuration, with another socket. */
function exampleIn(dir: string, endpoint: string): string {
  const block = /```yaml\n# workload-api-example\n([\s\S]*?)```/.exec(read('docs/identity.md'))?.[1] ?? '';
  assert.ok(block.includes('unix:///run/spire/agent.sock'));
  mkdirSync(path.join(dir, 'policies'));
  put(dir, 'policies/open.yaml', openPolicy);
  const rest =
    'inbound: [{ name: api, listen: 127.0.0.1:8443, forward: "http://127.0.0.1:8080" }]\npolicy: { paths: [policies/] }\n';
  return put(dir, 'postern.yaml', `version: 1\n${block.replace('unix:///run/spire/agent.sock', endpoint)}${rest}`);
}

test('the example of docs/identity.md passes `check` without an agent, and `identity show` waits for one, not for ever', async (t) => {
  const dir = temporaryFolder(t);
  const agent = await FakeAgent.prepare(t, { entries: [{ spiffeId: 'spiffe://prod.acme.com/ns/payments/api' }] });
  const config = exampleIn(dir, agent.endpoint);
  const check = await postern('check', '-c', config);
  assert.equal(check.code, 0, check.output);
  const missing = await postern('identity', 'show', '-c', config);
  assert.equal(missing.code, 3);
  assert.match(missing.output, /agent\.sock` does not exist \[ERR_WORKLOAD_API_UNREACHABLE\]/);
  await agent.listen();
  const shown = await postern('identity', 'show', '-c', config);
  assert.equal(shown.code, 0, shown.output);
  assert.match(shown.output, /spiffe:\/\/prod\.acme\.com\/ns\/payments\/api/);
  assert.ok(shown.output.includes(`workload-api at ${agent.endpoint}`));
  assert.match(shown.output, /rotation +due 20\d\d-/);
  const { source } = JSON.parse((await postern('identity', 'show', '--json', '-c', config)).output);
  assert.equal(source.endpoint, agent.endpoint);
  assert.ok(Date.parse(source.next_rotation) > Date.now());
});

test('`check` looks at the bundles in files that stand beside an agent', async (t) => {
  const dir = temporaryFolder(t);
  const config = exampleIn(dir, 'unix:///run/spire/agent.sock');
  const federation = '  federation: [{ trust_domain: partner.example, bundle: { file: partner.pem } }]\ninbound:';
  put(dir, 'postern.yaml', readFileSync(config, 'utf8').replace('inbound:', federation));
  const check = await postern('check', '-c', config);
  assert.equal(check.code, 1, check.output);
  assert.match(check.output, /partner\.pem` does not exist \[ERR_IDENTITY_FILE\]/);
});

const manifest = z.looseObject({ kind: z.string(), data: z.record(z.string(), z.string()).optional() });

function configMapOf(file: string): Readonly<Record<string, string>> {
  const documents = parseAllDocuments(read(`deploy/kubernetes/${file}`)).map((one) => manifest.parse(one.toJS()));
  return documents.find((one) => one.kind === 'ConfigMap')?.data ?? {};
}

test('the patch for SPIRE changes nothing of the configuration but the source, and `check` takes it', async (t) => {
  const [base, patched] = [configMapOf('postern-sidecar.yaml'), configMapOf('spire-patch.yaml')];
  const { identity, ...others } = parse(patched['postern.yaml']!);
  const { identity: before, ...othersBefore } = parse(base['postern.yaml']!);
  assert.deepEqual(others, othersBefore);
  assert.deepEqual(identity.attributes, before.attributes);
  const dir = temporaryFolder(t);
  put(dir, 'orders-access.yaml', base['orders-access.yaml']!);
  const config = put(dir, 'postern.yaml', patched['postern.yaml']!);
  const check = await postern('check', '-c', config);
  assert.equal(check.code, 0, check.output);
});

test('the socket of the patch lies in the volume of the SPIFFE CSI driver', () => {
  const patch = read('deploy/kubernetes/spire-patch.yaml');
  const volume = stringify({ name: 'svid', csi: { driver: 'csi.spiffe.io', readOnly: true } });
  const wanted = volume
    .trim()
    .split('\n')
    .map((line) => line.trim());
  const lines = patch.split('\n').map((line) => line.trim().replace(/^- /, ''));
  assert.deepEqual(lines.slice(lines.indexOf('name: svid')).slice(0, wanted.length), wanted);
  const mount = /\{ name: svid, mountPath: (\S+), readOnly: true \}/.exec(
    read('deploy/kubernetes/postern-sidecar.yaml'),
  );
  assert.ok(
    parse(configMapOf('spire-patch.yaml')['postern.yaml']!).identity.workload_api.socket.startsWith(
      `unix://${mount?.[1]}/`,
    ),
  );
});
