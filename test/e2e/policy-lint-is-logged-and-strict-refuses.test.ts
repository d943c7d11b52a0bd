// What the linter finds in the policies of a running sidecar is in its log and its metrics; under `policy.strict` an error
// ends the start, and `postern check` says so before.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Mesh, openPolicy } from '../harness/mesh.ts';
import { waitFor } from '../harness/wait-for.ts';
import { program } from '../program.ts';

const longLived = `${openPolicy}      credential: { type: short_lived_certificate, ttl: 48h }\n`;

function run(mesh: Mesh, command: string) {
  return spawnSync(process.execPath, [program, command, '-c', mesh.configFile], { encoding: 'utf8', timeout: 20_000 });
}

test('findings of the policies in force are logged and counted, after a reload too', async (t) => {
  const mesh = await Mesh.create(t, { workloadPort: 9, policy: longLived });
  const sidecar = await mesh.start(t);
  assert.match(sidecar.stderr, /"L-TTL","severity":"error".*"message":"policy lint"/);
  const metrics = await sidecar.admin('/metrics');
  assert.match(metrics.body, /^postern_policy_lint_findings\{level="error"\} 1$/m);
  writeFileSync(mesh.policyFile, openPolicy);
  assert.equal((await sidecar.admin('/reload', 'POST', {})).status, 200);
  await waitFor('no finding is counted', async () =>
    /lint_findings\{level="error"\} 0$/m.test((await sidecar.admin('/metrics')).body),
  );
});

test('under `policy.strict` an error of the linter ends the start with 2, and check agrees', async (t) => {
  const mesh = await Mesh.create(t, { workloadPort: 9, policy: longLived });
  writeFileSync(mesh.configFile, mesh.readConfig().replace(/^policy:/m, 'policy:\n  strict: true'));
  const [started, checked] = [run(mesh, 'run'), run(mesh, 'check')];
  assert.equal(started.status, 2, started.stderr);
  assert.match(started.stderr, /error: .*48 h.*\[L-TTL\]/);
  assert.equal(checked.status, 1, checked.stdout);
  assert.match(checked.stdout, /\[L-TTL\]/);
});
