// Tests that need a program of the machine (nginx, openssl) say so here. Without it they are skipped, with the reason
// in the output; where POSTERN_REQUIRE_TOOLS=1 is set, as .ci/run does, they fail, so that CI cannot pass by skipping.

import assert from 'node:assert/strict';
import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';

// Debian keeps servers in /usr/sbin, which is not on the PATH of every user, and PostgreSQL by version.
const furtherFolders = ['/usr/sbin', '/sbin', '/usr/local/sbin', ...globSync('/usr/lib/postgresql/*/bin')];

/** The full path of the program `name` in the folders of PATH, or those given, or null. */
export function findTool(name: string, path?: string): string | null {
  const folders = path === undefined ? [...(process.env['PATH'] ?? '').split(delimiter), ...furtherFolders] : [path];
  const candidates = folders.filter((folder) => folder !== '').map((folder) => join(folder, name));
  return candidates.find(isExecutable) ?? null;
}

/**
 * The full path of the program `name`. Where it is missing the test is marked as skipped (or failed, under
 * POSTERN_REQUIRE_TOOLS=1) and the answer is null: the test then returns at once.
 */
export function requireTool(t: TestContext, name: string): string | null {
  return required(t, name, findTool(name));
}

/** The same for a file that a package brings, such as a module of a server; `pattern` is a glob. */
export function requireFile(t: TestContext, pattern: string, name: string): string | null {
  return required(t, name, globSync(pattern)[0] ?? null);
}

function required(t: TestContext, name: string, path: string | null): string | null {
  if (path !== null) return path;
  assert.notEqual(process.env['POSTERN_REQUIRE_TOOLS'], '1', `this test needs \`${name}\`, which is not installed`);
  t.skip(`needs \`${name}\`, which is not installed`);
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
