// What the `postern policy` commands read: policy files, and requests from a file or stdin.

import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { createAuthorizer, type PolicyAuthorizer } from '../authz/engine.ts';
import { compileSourcesInTurns, loadDefaults, type PolicySource, readPolicySources } from '../authz/loader.ts';
import { policyInvalid } from '../authz/policy-finding.ts';
import { PosternError } from '../errors.ts';
import type { CliIo } from './cli-io.ts';

/** Largest file that is read whole, bytes. */
const largestFileBytes = 16 * 1024 * 1024;

/** Absolute names of what the command line names. */
export function fromCwd(paths: readonly string[], io: CliIo): readonly string[] {
  return paths.map((path) => resolve(io.cwd, path));
}

/** The sources under the names that somebody in the working folder would give them. */
export function asSeenFromCwd(sources: readonly PolicySource[], io: CliIo): readonly PolicySource[] {
  return sources.map(({ file, text }) => {
    const near = relative(io.cwd, file);
    return { file: near.startsWith('..') ? file : near, text };
  });
}

/** @throws PosternError ERR_POLICY_UNREADABLE */
export async function policySourcesAt(paths: readonly string[], io: CliIo): Promise<readonly PolicySource[]> {
  const sources = await readPolicySources(fromCwd(paths, io));
  if (sources.length > 0) return asSeenFromCwd(sources, io);
  throw new PosternError('ERR_POLICY_UNREADABLE', `there is no policy file under ${quoted(paths)}`, {
    mend: 'name files, or folders that hold `*.yaml` or `*.yml`',
  });
}

/** Paths as messages show them. */
export function quoted(paths: readonly string[]): string {
  return paths.map((path) => `\`${path}\``).join(', ');
}

/**
 * An authorizer with one bundle in force.
 * @throws PosternError ERR_POLICY_UNREADABLE, ERR_POLICY_INVALID (with all findings)
 */
export async function authorizerFor(paths: readonly string[], io: CliIo): Promise<PolicyAuthorizer> {
  return authorizerOf(await policySourcesAt(paths, io));
}

/** @throws PosternError ERR_POLICY_INVALID (with all findings) */
export async function authorizerOf(sources: readonly PolicySource[]): Promise<PolicyAuthorizer> {
  const result = await compileSourcesInTurns(sources, loadDefaults);
  if (!result.ok) throw policyInvalid(result.findings);
  const authorizer = createAuthorizer();
  authorizer.replace(result.set);
  return authorizer;
}

/** Bytes of a file, or of stdin for `-`. @throws PosternError ERR_CLI_INPUT */
export async function* inputStream(path: string, io: CliIo): AsyncGenerator<Uint8Array, void, void> {
  if (path === '-') {
    yield* io.stdin;
    return;
  }
  try {
    yield* createReadStream(resolve(io.cwd, path));
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The whole of a file as text, or of stdin for `-`. @throws PosternError ERR_CLI_INPUT */
export async function inputText(path: string, io: CliIo): Promise<string> {
  if (path === '-') return io.readStdin();
  const file = resolve(io.cwd, path);
  try {
    const { size } = await stat(file);
    if (size > largestFileBytes) throw tooLarge(path);
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function tooLarge(path: string): PosternError {
  return new PosternError('ERR_CLI_INPUT', `\`${path}\` holds more than ${largestFileBytes / 2 ** 20} MiB`);
}

function unreadable(path: string, cause: unknown): PosternError {
  if (cause instanceof PosternError) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  const why = cause instanceof TypeError ? 'it is not UTF-8 text' : (code ?? 'unknown fault');
  const mend = 'name a file that you may read, or `-` for stdin';
  return new PosternError('ERR_CLI_INPUT', `cannot read \`${path}\`: ${why}`, { cause, mend });
}
