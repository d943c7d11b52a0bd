// Reads policy files from disk: the only I/O of src/authz. A bundle loads whole or not at all (policy.md 1.1).

import { createHash } from 'node:crypto';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PosternError } from '../errors.ts';
import { compareFindings } from '../lib/finding.ts';
import { readSettled } from '../lib/read-settled.ts';
import { maxFileBytes } from '../lib/yaml-document.ts';
import type { CheckOptions } from './check-options.ts';
import { checkDefaults } from './check-options.ts';
import type { PolicySet } from './compiled-policy.ts';
import type { CompileOptions } from './policy-compiler.ts';
import { compileDefaults, compilePoliciesInSteps } from './policy-compiler.ts';
import type { PolicyDocument } from './policy-document.ts';
import type { PolicyFinding } from './policy-finding.ts';
import { policyInvalid } from './policy-finding.ts';
import { readPolicyFileInSteps } from './policy-reader.ts';

/** One policy file. */
export interface PolicySource {
  /** As findings name it. */
  readonly file: string;
  readonly text: string;
}

export interface LoadOptions extends CheckOptions, CompileOptions {}

export const loadDefaults: LoadOptions = Object.freeze({ ...checkDefaults, ...compileDefaults });

/** A bundle, or everything that is wrong with it. */
export type LoadResult =
  | { readonly ok: true; readonly set: PolicySet; readonly findings: readonly PolicyFinding[] }
  | { readonly ok: false; readonly findings: readonly PolicyFinding[] };

const maxFiles = 10_000;
const maxFolderDepth = 16;

/**
 * The policy files under some paths: files as they are, of folders every `*.yaml` and `*.yml` but tests, sorted.
 * @throws PosternError ERR_POLICY_UNREADABLE
 */
export async function readPolicySources(paths: readonly string[]): Promise<readonly PolicySource[]> {
  const sources = await readSources(paths, isPolicyName);
  // Between the two halves of a rewrite in place a file is empty, and no policy at all would deny everybody.
  const empty = sources.find(({ text }) => text === '');
  if (empty !== undefined) unreadable(empty.file, 'empty; one that is meant to hold nothing has a comment');
  return sources;
}

/**
 * The test files under some paths: files as they are, of folders every `*.test.yaml` and `*.test.yml`, sorted.
 * @throws PosternError ERR_POLICY_UNREADABLE
 */
export async function readTestSources(paths: readonly string[]): Promise<readonly PolicySource[]> {
  return readSources(paths, isTestName);
}

async function readSources(
  paths: readonly string[],
  wants: (path: string) => boolean,
): Promise<readonly PolicySource[]> {
  const files: string[] = [];
  for (const path of paths) await collect(path, { files, wants, depth: 0, isNamed: true });
  const sources: PolicySource[] = [];
  for (const file of [...new Set(files)]) sources.push({ file, text: await readText(file) });
  return sources;
}

interface Walk {
  readonly files: string[];
  readonly wants: (path: string) => boolean;
  readonly depth: number;
  /** Named by the operator, so its ending does not matter. */
  readonly isNamed: boolean;
}

async function collect(path: string, walk: Walk): Promise<void> {
  const facts = await attempt(path, () => stat(path));
  if (facts.isDirectory()) {
    if (walk.depth >= maxFolderDepth) unreadable(path, `folders nest deeper than ${maxFolderDepth}`);
    const names = (await attempt(path, () => readdir(path))).sort();
    for (const name of names)
      if (await isWanted(path, name))
        await collect(join(path, name), { ...walk, depth: walk.depth + 1, isNamed: false });
    return;
  }
  if (!facts.isFile()) unreadable(path, 'not a file');
  if (!walk.isNamed && !walk.wants(path)) return;
  if (walk.files.length >= maxFiles) unreadable(path, `more than ${maxFiles} files`);
  walk.files.push(path);
}

function isPolicyName(path: string): boolean {
  return /\.ya?ml$/.test(path) && !isTestName(path);
}

/** True for the name of a file of policy tests. */
export function isTestName(path: string): boolean {
  return /\.test\.ya?ml$/.test(path);
}

// Kubernetes shows each file of a volume twice: as a link, and in `..data` and the folder with a date that it points to.
async function isWanted(folder: string, name: string): Promise<boolean> {
  if (name.startsWith('.')) return false;
  const path = join(folder, name);
  const facts = await attempt(path, () => lstat(path));
  if (!facts.isSymbolicLink()) return true;
  // A link to a folder that holds it would never end.
  const [target, own] = await attempt(path, () => Promise.all([realpath(path), realpath(folder)]));
  return !`${own}/`.startsWith(`${target}/`);
}

async function readText(file: string): Promise<string> {
  const { size } = await attempt(file, () => stat(file));
  if (size > maxFileBytes) unreadable(file, `larger than ${maxFileBytes / 1024 / 1024} MiB`);
  const bytes = await attempt(file, () => readSettled(file));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return unreadable(file, 'not UTF-8');
  }
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown fault';
    throw new PosternError('ERR_POLICY_UNREADABLE', `cannot read \`${path}\`: ${code}`, { cause: error });
  }
}

function unreadable(path: string, fault: string): never {
  throw new PosternError('ERR_POLICY_UNREADABLE', `cannot read \`${path}\`: ${fault}`);
}

/** `sha256:…` over the texts of the files, in order. */
export function digestOf(sources: readonly PolicySource[]): string {
  const hash = createHash('sha256');
  // Lengths keep one file from running into the next. Only text counts: the same policy elsewhere has the same digest.
  for (const { text } of sources) hash.update(`${Buffer.byteLength(text)}\n`).update(text);
  return `sha256:${hash.digest('hex')}`;
}

/** Reads and compiles a bundle that is already in memory, in one go. Never throws for what is in the text. */
export function compileSources(sources: readonly PolicySource[], options: LoadOptions = loadDefaults): LoadResult {
  const compiling = compileInSteps(sources, options);
  for (;;) {
    const step = compiling.next();
    if (step.done === true) return step.value;
  }
}

/** The same, letting the loop turn every few milliseconds: requests are served while a large bundle loads. */
export async function compileSourcesInTurns(
  sources: readonly PolicySource[],
  options: LoadOptions = loadDefaults,
): Promise<LoadResult> {
  const compiling = compileInSteps(sources, options);
  let work = 0;
  for (;;) {
    const step = compiling.next();
    if (step.done === true) return step.value;
    work += step.value;
    if (work < workEachTurn) continue;
    work = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Work between two turns, in characters read: some milliseconds of code that has not run before. */
const workEachTurn = 3000;
/** What compiling a rule costs, in characters read. */
const workOfRule = 50;

function* compileInSteps(sources: readonly PolicySource[], options: LoadOptions): Generator<number, LoadResult> {
  const findings: PolicyFinding[] = [];
  const documents: PolicyDocument[] = [];
  for (const { file, text } of sources) {
    const read = yield* readPolicyFileInSteps(text, file, options);
    findings.push(...read.findings);
    for (const policy of read.policies) documents.push(policy);
  }
  const digest = digestOf(sources);
  yield workEachTurn;
  const compiling = compilePoliciesInSteps(documents, digest, options);
  let step = compiling.next();
  for (; step.done !== true; step = compiling.next()) yield step.value * workOfRule;
  const compiled = step.value;
  if (!compiled.ok) findings.push(...compiled.findings);
  findings.sort(compareFindings);
  const refused = findings.some((finding) => finding.severity === 'error');
  if (refused || !compiled.ok) return { ok: false, findings };
  return { ok: true, set: compiled.set, findings };
}

/**
 * Reads, checks and compiles the policies under some paths.
 * @throws PosternError ERR_POLICY_UNREADABLE, ERR_POLICY_INVALID (with all findings)
 */
export async function loadPolicies(paths: readonly string[], options: LoadOptions = loadDefaults): Promise<PolicySet> {
  const result = await compileSourcesInTurns(await readPolicySources(paths), options);
  if (!result.ok) throw policyInvalid(result.findings);
  return result.set;
}
