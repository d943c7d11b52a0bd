// `npm run build`: the compiled program in dist/, for the package and the image. Everything that one command loads lies in
// a few files, dependencies included: a start reads and compiles some forty files instead of some seven hundred.
// Names and line breaks stay, so that what is shipped can be read, and a stack trace says where it comes from.

import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { build, type Metafile } from 'esbuild';

const root = dirname(import.meta.dirname);
/** `node scripts/build.ts FOLDER` puts it elsewhere, for the bench. */
const outdir = resolve(process.argv[2] ?? join(root, 'dist'));

const developmentOnly = ['@peculiar/x509', 'reflect-metadata'];

/** For the dependencies that are CommonJS: they ask for modules of Node by `require`, which a module does not have. */
const requireOfModule =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";

/** The packages whose code is in the bundle, as folders below the root. */
function bundledPackages({ inputs }: Metafile): readonly string[] {
  const folders = Object.keys(inputs).map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}

/** Their licences ask to go where the code goes. */
function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const [file] = globSync('{LICEN[CS]E,licen[cs]e,COPYING}*', { cwd: join(root, folder) }).sort();
  const text = file === undefined ? '' : `\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
  return `${name} ${version} (${license})\n${text}`;
}

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: {
    main: 'src/cli/main.ts',
    'worker-main': 'src/cli/worker-main.ts',
    'ship-main': 'src/cli/ship-main.ts',
  },
  outdir,
  bundle: true,
  // What only some commands load stays in files of its own.
  splitting: true,
  // The development CA's library, which no sidecar loads: CommonJS that is imported late loses its names in a bundle.
  external: developmentOnly,
  chunkNames: '[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node26',
  banner: { js: requireOfModule },
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  // A dependency that is reached through a link, as in a test, counts as lying where the link is.
  preserveSymlinks: true,
});
const packages = bundledPackages(metafile);
if (packages.length === 0 || !existsSync(join(outdir, 'main.js'))) throw new Error('the bundle holds no dependencies');
writeFileSync(join(outdir, 'THIRD-PARTY-LICENSES.txt'), packages.map(licenceOf).join(`\n${'-'.repeat(80)}\n\n`));
