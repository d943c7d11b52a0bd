// Values of the configuration that may hold captures of the route's path: `audit.{tenant}.events`.

import { PosternError } from '../errors.ts';

/** A compiled value. */
export interface TextTemplate {
  /** The whole value where nothing is captured, else null. */
  readonly constant: string | null;
  fill(captures: ReadonlyMap<string, string>): string;
}

/** @throws PosternError ERR_CONFIG_ROUTE for a capture that the route's path does not have */
export function compileText(text: string, captures: readonly string[]): TextTemplate {
  const parts = text.split(/(\{[^{}]*\})/).filter((part) => part !== '');
  const names = parts.map((part) => (part.startsWith('{') ? captureName(text, part, captures) : null));
  if (names.every((name) => name === null)) return { constant: text, fill: () => text };
  return {
    constant: null,
    fill: (found) => parts.map((part, at) => (names[at] === null ? part : (found.get(names[at]!) ?? ''))).join(''),
  };
}

function captureName(text: string, part: string, captures: readonly string[]): string {
  const name = part.slice(1, -1);
  if (captures.includes(name)) return name;
  const known = captures.length === 0 ? 'the path of this route captures nothing' : `known: ${captures.join(', ')}`;
  throw new PosternError('ERR_CONFIG_ROUTE', `\`${text}\` uses the capture \`${part}\`; ${known}`);
}
