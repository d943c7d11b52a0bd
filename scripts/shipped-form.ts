// Postern in the form that users run: bundled as in the package and the image, beside the executable, without sources.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The executable of a checkout's shipped form, made in `folder` where it is not there yet. A checkout from before there was
 * a bundle is run as it is.
 */
export function shippedEntry(checkout: string, folder: string): string {
  if (!existsSync(join(checkout, 'scripts/build.ts'))) return join(checkout, 'bin/postern');
  const entry = join(folder, 'bin/postern');
  if (existsSync(entry)) return entry;
  mkdirSync(folder);
  execFileSync(process.execPath, [join(checkout, 'scripts/build.ts'), join(folder, 'dist')], { stdio: 'inherit' });
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(checkout, 'package.json'), join(folder, 'package.json'));
  cpSync(join(checkout, 'bin'), join(folder, 'bin'), { recursive: true });
  return entry;
}
