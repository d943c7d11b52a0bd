// Loads a configuration file: text, variables, schema, conflicts, absolute names. Everything that is wrong is reported
// together; nothing is half taken over.

import { resolve } from 'node:path';
import en from 'zod/v4/locales/en.js';
import { PosternError, type SourcePosition } from '../errors.ts';
import { compareFindings, type Finding } from '../lib/finding.ts';
import { readSettled } from '../lib/read-settled.ts';
import { configSchema, configSections, type ParsedConfig } from './config-schema.ts';
import { type ConfigSource, type DataPath, type Environment, readConfigSource } from './config-source.ts';
import { type CheckedSections, findConflicts } from './conflict-checks.ts';
import { describeIssues } from './issue-findings.ts';
import { configJsonSchema } from './json-schema.ts';
import type { PosternConfig } from './postern-config.ts';
import { resolvePaths } from './resolve-paths.ts';

/** Largest configuration file, bytes. */
const maxConfigBytes = 1024 * 1024;

/** Without the fast path that is made from strings: bin/postern forbids that. With the input, to say what was found. */
const { localeError } = en();
const parseOptions = { jitless: true, reportInput: true, error: wordsFor } as const;

/** zod's words; it asks a mapping for its constructor's name, and a key of the file may be called `constructor`. */
function wordsFor(issue: Parameters<typeof localeError>[0]): ReturnType<typeof localeError> {
  try {
    return localeError(issue);
  } catch {
    return 'Invalid input';
  }
}

/** A configuration that may be used, and what it had better say differently. */
export interface LoadedConfig {
  readonly config: PosternConfig;
  readonly warnings: readonly Finding[];
  /** Place of a key or value in the file, for findings about what it names. */
  readonly positionOf: (path: DataPath) => SourcePosition;
}

/**
 * Reads and checks a file. `cwd` is the folder that a relative `file` starts from; messages name `file` as it was given.
 * @throws PosternError ERR_CONFIG_READ, ERR_CONFIG_INVALID with all findings
 */
export async function loadConfig(file: string, env: Environment, cwd: string): Promise<LoadedConfig> {
  const text = await readText(resolve(cwd, file), file);
  return parseConfig(text, { file, absoluteFile: resolve(cwd, file), env });
}

/** Where a text came from, and the environment that its variables are taken from. */
export interface ConfigOrigin {
  /** As findings name it. */
  readonly file: string;
  readonly absoluteFile: string;
  readonly env: Environment;
}

/**
 * Checks the text of a configuration.
 * @throws PosternError ERR_CONFIG_INVALID with all findings
 */
export function parseConfig(text: string, origin: ConfigOrigin): LoadedConfig {
  const source = readConfigSource(text, origin.file, origin.env);
  if (source.findings.some((finding) => finding.code === 'ERR_CONFIG_SYNTAX')) throw invalid(source.findings);
  const result = configSchema.safeParse(source.data, parseOptions);
  const issues = result.success ? [] : describeIssues(result.error.issues, source, configJsonSchema());
  const sections = result.success ? result.data : parsedSections(source.data);
  const findings = [...source.findings, ...issues, ...conflicts(sections, source, origin.env)].sort(compareFindings);
  if (!result.success || findings.some((finding) => finding.severity === 'error')) throw invalid(findings);
  return {
    config: resolvePaths(result.data, {
      file: origin.absoluteFile,
      env: origin.env,
      secrets: source.expandedValues,
    }),
    warnings: findings,
    positionOf: (path) => source.positionOf(path),
  };
}

/** Each section that is right by itself, so that a fault in one does not hide those of the others. */
function parsedSections(data: unknown): CheckedSections {
  const written = typeof data === 'object' && data !== null ? (data as Readonly<Record<string, unknown>>) : {};
  const parse = <Key extends keyof CheckedSections>(key: Key): ParsedConfig[Key] | undefined => {
    const result = configSections[key].safeParse(written[key], parseOptions);
    return result.success ? (result.data as ParsedConfig[Key]) : undefined;
  };
  return {
    identity: parse('identity'),
    inbound: parse('inbound'),
    outbound: parse('outbound'),
    audit: parse('audit'),
    admin: parse('admin'),
    workers: parse('workers'),
  };
}

function conflicts(sections: CheckedSections, source: ConfigSource, env: Environment): Finding[] {
  return findConflicts(sections, env).map(({ path, ...conflict }) => ({
    ...conflict,
    position: source.positionOf(path),
  }));
}

function invalid(findings: readonly Finding[]): PosternError {
  const errors = findings.filter((finding) => finding.severity === 'error');
  const first = errors[0];
  if (first === undefined) throw new TypeError('a configuration without errors is not invalid');
  const faults = errors.length === 1 ? 'one fault' : `${errors.length} faults`;
  return new PosternError('ERR_CONFIG_INVALID', `the configuration has ${faults}`, {
    findings,
    mend: first.mend,
    ...(first.position === undefined ? {} : { position: first.position }),
  });
}

async function readText(path: string, shown: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readSettled(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new PosternError('ERR_CONFIG_READ', `\`${shown}\` cannot be read (${code})`, { cause });
  }
  if (bytes.length > maxConfigBytes) {
    throw new PosternError('ERR_CONFIG_READ', `\`${shown}\` is larger than 1 MiB`, { mend: 'is it the right file?' });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new PosternError('ERR_CONFIG_READ', `\`${shown}\` is not UTF-8 text`, {
      cause,
      mend: 'is it the right file?',
    });
  }
}
