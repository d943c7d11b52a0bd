// Holds the architecture: the rules of import-rules.ts, no cycles between files, no barrels. Prints one line for each
// violation, with the reason of the rule, and ends with 1.

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import process from 'node:process';
import { bans, builtinRules, contractFiles, folderRules } from './import-rules.ts';

/** One import or re-export of a file. */
export interface ImportLine {
  readonly target: string;
  readonly isTypeOnly: boolean;
  readonly isReExport: boolean;
  /** `import()`: loaded when asked for, so it closes no cycle. */
  readonly isLazy: boolean;
}

const importPattern = /^\s*(import|export)\s+(type\s+)?(?:([^;'"]*?)\s+from\s+)?'([^']+)'/gm;
const dynamicImportPattern = /\bimport\(\s*'([^']+)'/g;
const stringOrComment = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/** The violations in a tree given as path (`src/…`) to text; each a line for the reader. */
export function findViolations(files: ReadonlyMap<string, string>): readonly string[] {
  const imports = new Map([...files].map(([file, text]) => [file, readImports(file, text)]));
  return [
    ...[...imports].flatMap(([file, lines]) => lines.flatMap((line) => importFaults(file, line))),
    ...[...files].flatMap(([file, text]) => textFaults(file, text)),
    ...[...imports].flatMap(([file, lines]) => barrelFaults(file, lines)),
    ...findCycles(imports).map((cycle) => `${cycle.join(' -> ')}: a cycle; neither file can be read or tested alone`),
  ];
}

/** Relative imports are resolved to paths from the root; others stay as they are. */
function readImports(file: string, text: string): readonly ImportLine[] {
  const code = withoutComments(text);
  const resolve = (target: string): string =>
    target.startsWith('.') ? posix.join(posix.dirname(file), target) : target;
  const fixed = [...code.matchAll(importPattern)].map(([, keyword, type, names, target]) => ({
    target: resolve(target ?? ''),
    isTypeOnly: type !== undefined || isAllTypes(names),
    isReExport: keyword === 'export',
    isLazy: false,
  }));
  const dynamic = [...code.matchAll(dynamicImportPattern)].map(([, target]) => ({
    target: resolve(target ?? ''),
    isTypeOnly: false,
    isReExport: false,
    isLazy: true,
  }));
  return [...fixed, ...dynamic];
}

/** `import { type A, type B }` imports no value. */
function isAllTypes(names: string | undefined): boolean {
  const list =
    names
      ?.match(/^\{([^}]*)\}$/)?.[1]
      ?.split(',')
      .map((name) => name.trim()) ?? [];
  return list.length > 0 && list.every((name) => name === '' || name.startsWith('type '));
}

function withoutComments(text: string): string {
  return text.replace(stringOrComment, (part) => (part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : part));
}

function folderOf(file: string): string {
  return file.match(/^src\/([a-z]+)\//)?.[1] ?? '';
}

function importFaults(file: string, { target, isTypeOnly }: ImportLine): readonly string[] {
  const folder = folderOf(file);
  if (target.startsWith('node:')) {
    const rule = builtinRules.find((candidate) => candidate.folder === folder);
    return rule === undefined || isTypeOnly || rule.may.includes(target)
      ? []
      : [`${file}: imports ${target}; ${rule.reason}`];
  }
  const rule = folderRules.find((candidate) => candidate.folder === folder);
  const targetFolder = folderOf(target);
  if (rule === undefined || !target.startsWith('src/') || targetFolder === folder || targetFolder === 'lib') return [];
  if (target === 'src/errors.ts') return [];
  if (!rule.mayImport.includes(targetFolder)) return [`${file}: ${folder} may not import ${target}; ${rule.reason}`];
  if (!isTypeOnly && rule.typesOnly.includes(targetFolder) && !contractFiles.includes(target)) {
    return [`${file}: ${folder} may import only types of ${target}; ${rule.reason}`];
  }
  return [];
}

function textFaults(file: string, text: string): readonly string[] {
  const lines = withoutComments(text).split('\n');
  return bans
    .filter((ban) => ban.within.test(file) && !ban.except.test(file))
    .flatMap((ban) =>
      lines.flatMap((line, index) => {
        const found = line.match(ban.pattern);
        return found === null ? [] : [`${file}:${index + 1}: \`${found[0]}\`; ${ban.reason}`];
      }),
    );
}

function barrelFaults(file: string, lines: readonly ImportLine[]): readonly string[] {
  const isBarrel = /(?:^|\/)index\.ts$/.test(file) || (lines.length > 1 && lines.every((line) => line.isReExport));
  return isBarrel ? [`${file}: a barrel; import the file that has what you need`] : [];
}

/** Every cycle found by a depth-first walk, as the list of its files. */
function findCycles(imports: ReadonlyMap<string, readonly ImportLine[]>): readonly string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    for (const { target, isLazy } of imports.get(file) ?? []) {
      if (!isLazy && imports.has(target)) visit(target, [...path, file]);
    }
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return cycles;
}

if (import.meta.main) {
  const root = dirname(import.meta.dirname);
  const paths = globSync('src/**/*.ts', { cwd: root });
  const violations = findViolations(new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')])));
  for (const violation of violations) process.stdout.write(`${violation}\n`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
