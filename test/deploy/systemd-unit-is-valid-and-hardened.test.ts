import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { parseDuration } from '../../src/lib/duration.ts';
import { findTool } from '../require-tool.ts';
import { runToEnd } from './shell-command.ts';

const root = dirname(dirname(import.meta.dirname));
// A line that ends with a backslash goes on (systemd.syntax(7)).
const unitText = readFileSync(join(root, 'deploy/systemd/postern.service'), 'utf8').replaceAll(/\\\n\s*/g, '');

/** The values of a key, in order. */
function valuesOf(key: string): readonly string[] {
  return [...unitText.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');
}

/** A copy of the unit whose program exists on this machine, with the path of systemd-analyze; null where that is missing. */
function unitOnThisMachine(t: TestContext): { analyze: string; folder: string; unit: string } | null {
  const analyze = findTool('systemd-analyze');
  if (analyze === null) {
    // Not one of the tools that CI installs: an init system is too much for a container.
    t.skip('needs `systemd-analyze`, which is not installed');
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), 'postern-unit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const unit = join(folder, 'postern.service');
  writeFileSync(unit, unitText.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
  return { analyze, folder, unit };
}

test('systemd accepts every line of the unit', async (t) => {
  const machine = unitOnThisMachine(t);
  if (machine === null) return;
  const { code, output } = await runToEnd([machine.analyze, 'verify', '--man=no', machine.unit], {
    cwd: machine.folder,
  });
  assert.equal(
    output
      .split('\n')
      .filter((line) => line.includes('postern.service'))
      .join('\n'),
    '',
  );
  assert.equal(code, 0, output);
});

test('systemd rates the exposure of the service at most 1.5 of 10', async (t) => {
  const machine = unitOnThisMachine(t);
  if (machine === null) return;
  const { code, output } = await runToEnd(
    [machine.analyze, 'security', '--offline=true', '--threshold=15', '--no-pager', machine.unit],
    { cwd: machine.folder },
  );
  assert.equal(code, 0, output);
});

test('stopping gives more time than the drain takes by default', () => {
  const schema = readFileSync(join(root, 'src/config/admin-section.ts'), 'utf8');
  const drain = schema.match(/\.prefault\('(\d+s)'\)/)?.[1];
  assert.ok(drain !== undefined, 'the default drain is not where it was');
  assert.ok(Number(valuesOf('TimeoutStopSec')[0]) * 1000 >= parseDuration(drain) + 10_000);
});

test('a reload is SIGHUP, and a wrong configuration is not started again', () => {
  assert.deepEqual(valuesOf('ExecReload'), ['/bin/kill -HUP $MAINPID']);
  assert.deepEqual(valuesOf('RestartPreventExitStatus'), ['2']);
});

test('the program is started by the pinned Node, so that its process is the main process', () => {
  assert.match(
    valuesOf('ExecStart')[0] ?? '',
    /^\S+\/node_modules\/node\/bin\/node (--\S+ )+\S+\/bin\/postern run -c \S+$/,
  );
});

test('unit and image start Node with the flags and the environment of bin/postern, so that it starts once', () => {
  const program = readFileSync(join(root, 'bin/postern'), 'utf8');
  const flags = [...program.matchAll(/^ {2}'(--[^']+)',$/gm)].map(([, flag]) => flag);
  const allocation = [...program.matchAll(/(MALLOC_\w+): '(\d+)'/g)].map(([, name, value]) => `${name}=${value}`);
  assert.ok(flags.length >= 6 && allocation.length === 3);
  const flagsIn = (text: string): readonly string[] => text.match(/--[\w-]+(=\w+)?/g) ?? [];
  assert.deepEqual(flagsIn(valuesOf('ExecStart')[0] ?? ''), flags);
  assert.ok(valuesOf('Environment').includes(allocation.join(' ')));
  const image = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8').replaceAll(/\\\n\s*/g, '');
  assert.deepEqual(flagsIn(/^ENTRYPOINT (.+)$/m.exec(image)?.[1] ?? ''), flags);
  assert.match(image, new RegExp(`^ENV .*${allocation.join(' ')}$`, 'm'));
});
