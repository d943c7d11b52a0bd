// A small right configuration, and how the tests break it.

import { parseConfig } from '../../src/config/load-config.ts';
import type { PosternConfig } from '../../src/config/postern-config.ts';
import { isPosternError, type PosternError } from '../../src/errors.ts';
import { formatFinding } from '../../src/lib/finding.ts';

/** As little as a configuration may say. */
export const smallest = `version: 1
identity:
  source: files
  files: { cert: tls.crt, key: tls.key, bundle: bundle.pem }
inbound:
  - name: api
    listen: 0.0.0.0:8443
    forward: http://127.0.0.1:8080
policy:
  paths: [policies/]
`;

/** `smallest` with one piece of its text replaced; the piece must be there. */
export function changed(piece: string, replacement: string): string {
  if (!smallest.includes(piece)) throw new TypeError(`the sample holds no ${piece}`);
  return smallest.replace(piece, () => replacement);
}

/** Parses `text` as /etc/postern/postern.yaml, named `postern.yaml` in findings. */
export function parse(text: string, env: Readonly<Record<string, string>> = {}): PosternConfig {
  return parseConfig(text, origin(env)).config;
}

/** Warnings of a text that is taken, one line each. */
export function warningsOf(text: string): string[] {
  return parseConfig(text, origin({})).warnings.map(formatFinding);
}

/** The error that refuses `text`; throws where nothing refuses it. */
export function refusalOf(text: string, env: Readonly<Record<string, string>> = {}): PosternError {
  try {
    parseConfig(text, origin(env));
  } catch (error) {
    if (isPosternError(error, 'ERR_CONFIG_INVALID')) return error;
    throw error;
  }
  throw new TypeError('the configuration was taken');
}

/** Every finding against `text`, one line each. */
export function findingsOf(text: string, env: Readonly<Record<string, string>> = {}): string[] {
  return refusalOf(text, env).findings.map(formatFinding);
}

function origin(env: Readonly<Record<string, string>>) {
  return { file: 'postern.yaml', absoluteFile: '/etc/postern/postern.yaml', env };
}
