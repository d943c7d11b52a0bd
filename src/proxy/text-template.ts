// Values of the configuration that may hold captures of the route's path: `audit.{tenant}.events`.

import { PosternError } from '../errors.ts';
import type { Captures } from './path-template.ts';

/** A compiled value. */
export interface TextTemplate {
  /** The whole value where nothing is captured, else null. */
  readonly constant: string | null;
  /** `captures` in the order of the names that the value was compiled with. */
  fill(captures: Captures): string;
}

/** @throws PosternError ERR_CONFIG_ROUTE for a capture that the route's path does not have */
export function compileText(text: string, captures: readonly string[]): TextTemplate {
  const parts = text.split(/(\{[^{}]*\})/).filter((part) => part !== '');
  const indexes = parts.map((part) => (part.startsWith('{') ? captureIndex(text, part, captures) : null));
  if (indexes.every((index) => index === null)) return { constant: text, fill: () => text };
  return {
    constant: null,
    fill: (found) => parts.map((part, at) => (indexes[at] === null ? part : (found[indexes[at]!] ?? ''))).join(''),
  };
}

function captureIndex(text: string, part: string, captures: readonly string[]): number {
  const index = captures.indexOf(part.slice(1, -1));
  if (index >= 0) return index;
  const known = captures.length === 0 ? 'the path of this route captures nothing' : `known: ${captures.join(', ')}`;
  throw new PosternError('ERR_CONFIG_ROUTE', `\`${text}\` uses the capture \`${part}\`; ${known}`);
}
