// `inbound[].resource`, `action` and `routes`: what a request is, in the words of policy.

import * as z from 'zod';
import { isPosternError } from '../errors.ts';
import { compilePathTemplate } from '../proxy/path-template.ts';
import { compileText } from '../proxy/text-template.ts';
import { badValue, refuse, textField } from './fields.ts';
import { fieldName, plainText } from './text-fields.ts';

const value = (means: string) => plainText(256).exactOptional().describe(means);

/** A resource as written; it is the parsed form too. */
export const resourceSection = z.strictObject({
  type: plainText(64).describe('Type in the words of policy: `service`, `database`, `message_queue`, …'),
  name: value('Name of the resource.'),
  id: value('Identifier of the resource.'),
  namespace: value("Namespace; default: the sidecar's own."),
  environment: value("Environment; default: the sidecar's own."),
  service: value("Service; default: the sidecar's own."),
  topic: value('Topic of a message queue.'),
  owner: value('Who answers for the resource.'),
  labels: z.record(plainText(64), plainText(256)).exactOptional().describe('Further labels.'),
});

const actionWord = textField(
  (text) => {
    if (/^[A-Za-z{][A-Za-z0-9_.:/{}-]{0,127}$/.test(text)) return text;
    throw badValue(
      `\`${text}\` is not an action`,
      'write a word such as `read`, `publish`, or a capture such as `{rpc}`',
    );
  },
  { 'x-form': 'action', examples: ['read'] },
);

/** An action as written; parsed it is `auto` or the list of words that must all be allowed. */
export const actionSection = z.union([actionWord, z.array(actionWord).min(1).max(16)]).transform((action, context) => {
  if (action === 'auto') return 'auto' as const;
  const words = typeof action === 'string' ? [action] : action;
  if (!words.includes('auto')) return words;
  refuse(context, badValue('`auto` cannot stand in a list', 'write `action: auto`, or name the actions'));
  return z.NEVER;
});

const method = textField(
  (text) => {
    if (/^[A-Z][A-Z-]{0,31}$/.test(text)) return text;
    throw badValue(`\`${text}\` is not a method`, 'methods are case-sensitive (RFC 9110 §9.1): write `POST`');
  },
  { 'x-form': 'method', examples: ['POST'] },
);

const pathTemplate = textField((text) => compilePathTemplate(text).text, {
  'x-form': 'path template',
  pattern: '^/',
  examples: ['/topics/{topic}'],
});

/** A name as it stands in Host. */
export const host = textField(
  (text) => {
    if (/^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/i.test(text)) return text.toLowerCase();
    throw badValue(
      `\`${text}\` is not a host`,
      'write the name alone, without port and trailing dot: `payments.internal`',
    );
  },
  { 'x-form': 'host', examples: ['payments.internal'] },
);

const matchSection = z
  .strictObject({
    method: z.array(method).min(1).max(32).exactOptional().describe('Any of these methods.'),
    path: pathTemplate.exactOptional().describe('`{name}` is one path segment, `{name...}` the rest.'),
    host: host.exactOptional().describe('The Host of the request, without port.'),
    header: z
      .record(fieldName(), plainText(1024))
      .exactOptional()
      .describe('Headers that must have exactly these values.'),
  })
  .describe('All that is given must hold.');

/** One row of the route table. */
export const routeSection = z
  .strictObject({
    match: matchSection,
    resource: resourceSection.exactOptional().describe("Replaces the listener's resource; values may use `{name}`."),
    action: actionSection.exactOptional().describe("Replaces the listener's action; a word may use `{name}`."),
  })
  .superRefine((route, context) => {
    const captures = route.match.path === undefined ? [] : compilePathTemplate(route.match.path).captures;
    checkCaptures(route, captures, context);
  });

/** Refuses a capture that the path does not have, at the value that uses it. */
export function checkCaptures(
  part: { readonly resource?: Resource | undefined; readonly action?: 'auto' | readonly string[] | undefined },
  captures: readonly string[],
  context: z.RefinementCtx,
): void {
  const texts: (readonly [text: string, path: readonly (string | number)[]])[] = [];
  for (const [key, text] of Object.entries(part.resource ?? {})) {
    if (typeof text === 'string') texts.push([text, ['resource', key]]);
  }
  if (Array.isArray(part.action)) texts.push(...part.action.map((word: string) => [word, ['action']] as const));
  for (const [text, path] of texts) {
    try {
      compileText(text, captures);
    } catch (error) {
      if (!isPosternError(error)) throw error;
      refuse(context, error, path);
    }
  }
}

type Resource = z.output<typeof resourceSection>;
