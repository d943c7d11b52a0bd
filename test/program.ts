// The executable that tests start: what `npm test` has built, in the form that ships; by itself, a test runs the sources.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

const root = dirname(import.meta.dirname);

/** Path of `bin/postern`. */
export const program = process.env['POSTERN_TEST_PROGRAM'] ?? join(root, 'bin/postern');

const bundled = join(dirname(dirname(program)), 'dist/main.js');

/** The module it starts, for a test that needs no second Node. */
export const programModule =
  process.env['POSTERN_TEST_PROGRAM'] !== undefined && existsSync(bundled) ? bundled : join(root, 'src/cli/main.ts');
