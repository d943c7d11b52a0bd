// What docs/policy-language.md shows is what the code does.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { answerJson } from '../../src/authz/answer-json.ts';
import { attributeTableMarkdown } from '../../src/authz/attribute-docs.ts';
import { createAuthorizer } from '../../src/authz/engine.ts';
import { requestFromJson } from '../../src/authz/request-json.ts';
import { setOf } from './seed-policy.ts';

const page = readFileSync(new URL('../../docs/policy-language.md', import.meta.url), 'utf8');

function example(language: string, nth: number): string {
  const found = [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))][nth]?.[1];
  assert.ok(found, `no ${language} example ${nth}`);
  return found;
}

test('the table of attributes is that of the schema', () => {
  assert.ok(page.includes(attributeTableMarkdown()), 'run npm run docs');
});

test('the policy, the request and the answer of the page fit together', () => {
  const authorizer = createAuthorizer();
  authorizer.replace(setOf(example('yaml', 0)));
  const request = requestFromJson(JSON.parse(example('json', 0)), 0);
  const decision = authorizer.planFor(request.principal).decide(request);
  assert.equal(`${JSON.stringify(answerJson(decision))}\n`, example('json', 1));
});
