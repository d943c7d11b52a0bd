// Reads JSON objects of evaluation requests: keys from outside, each looked at once.

import { PosternError } from '../errors.ts';
import { nearestWord } from '../lib/nearest-word.ts';
import { clip } from './condition-lexer.ts';

/** A JSON object as a map; `__proto__` is a key like any other. */
export type JsonObject = ReadonlyMap<string, unknown>;

/** Ends the reading of a request. */
export function refuseRequest(message: string, mend?: string): never {
  throw new PosternError('ERR_POLICY_REQUEST', message, mend === undefined ? {} : { mend });
}

/** The object under a key; empty where it is absent or null. Throws ERR_POLICY_REQUEST for anything else. */
export function objectAt(parent: JsonObject, key: string): JsonObject {
  const value = parent.get(key);
  return value === undefined || value === null ? new Map() : asObject(value, `\`${key}\``);
}

/** A JSON value as an object. Throws ERR_POLICY_REQUEST where it is none. */
export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuseRequest(`${what} is not a JSON object`);
  return new Map(Object.entries(value as object));
}

/** Refuses keys that nobody would read: a misspelt attribute must not count as missing. */
export function knownKeys(object: JsonObject, what: string, known: readonly string[]): void {
  for (const key of object.keys()) {
    if (known.includes(key)) continue;
    const near = nearestWord(key, known);
    const mend = near === null ? `known: ${known.join(', ')}` : `did you mean \`${near}\`?`;
    refuseRequest(`unknown key \`${clip(key)}\` in ${what}`, mend);
  }
}
