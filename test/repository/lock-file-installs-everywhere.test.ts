import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const root = dirname(dirname(import.meta.dirname));

interface LockEntry {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const packages: Readonly<Record<string, LockEntry>> = JSON.parse(
  readFileSync(join(root, 'package-lock.json'), 'utf8'),
).packages;
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.entries(packages).filter(([path]) => path !== '');

test('every package has its hash', () => {
  assert.deepEqual(
    entries.filter(([, entry]) => entry.integrity === undefined).map(([path]) => path),
    [],
  );
});

test('no package is bound to the registry of whoever wrote the file', () => {
  assert.deepEqual(
    entries.filter(([, entry]) => entry.resolved !== undefined).map(([path]) => path),
    [],
  );
});

test('the binaries of all platforms are named, so that `npm ci` works on each', () => {
  const wanted = entries.flatMap(([, entry]) => Object.keys(entry.optionalDependencies ?? {}));
  assert.ok(wanted.length > 20);
  assert.deepEqual(
    wanted.filter((name) => packages[`node_modules/${name}`] === undefined),
    [],
  );
});

test('direct dependencies have exact versions', () => {
  const versions: readonly string[] = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
  assert.deepEqual(
    versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version)),
    [],
  );
});

test('of the packages with a script for their install, only that of the pinned Node is allowed, by name', () => {
  assert.deepEqual(
    entries.filter(([, entry]) => entry.hasInstallScript === true).map(([path]) => path),
    ['node_modules/esbuild', 'node_modules/node', 'node_modules/protobufjs'],
  );
  assert.deepEqual(manifest.allowScripts, { node: true });
});
