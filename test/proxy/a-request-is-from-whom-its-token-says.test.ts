// Which token counts, who a request is from then, and who notices a token in two hands.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { compileAttributeRules } from '../../src/identity/attributes.ts';
import { withRegistry } from '../../src/identity/registry.ts';
import { parseRegistry } from '../../src/identity/registry-file.ts';
import { ReplayWatch } from '../../src/identity/tokens/replay-watch.ts';
import type { VerifiedToken } from '../../src/identity/tokens/token-verifier.ts';
import { anonymous, type Caller, noCredential } from '../../src/proxy/caller.ts';
import type { InboundOptions } from '../../src/proxy/inbound-options.ts';
import { type Identified, TokenGate } from '../../src/proxy/token-gate.ts';
import { findBearerToken } from '../../src/wire/bearer-token.ts';
import { FieldList } from '../../src/wire/field-list.ts';
import type { RequestHead } from '../../src/wire/http1-message.ts';
import { type SigningKey, signingKey, signToken } from '../harness/token-issuer.ts';
import { goodClaims, HeldKeys, row, verifierOf } from '../identity/token-world.ts';

let key: SigningKey;
let gate: TokenGate;
let replays: number;
let world: ReturnType<typeof verifierOf>['world'];

before(async () => {
  key = await signingKey('key-1');
  const spiffeId = 'spiffe://ci.acme.com/{sub}';
  const made = verifierOf([
    [row(), new HeldKeys([key])],
    [row({ issuer: 'https://b.example', spiffeId, type: 'ai_agent' }), new HeldKeys([key])],
  ]);
  world = made.world;
  replays = 0;
  gate = new TokenGate({ verifier: made.verifier, replays: new ReplayWatch(() => replays++) });
});

function fieldsOf(...lines: readonly (readonly [string, string])[]): FieldList {
  const fields = new FieldList();
  for (const [name, value] of lines) fields.push(name, name.toLowerCase(), value);
  return fields;
}

describe('the token of a request', () => {
  const cases: readonly (readonly [string, FieldList, unknown])[] = [
    ['none', fieldsOf(['Host', 'a']), { kind: 'none' }],
    ['another scheme', fieldsOf(['Authorization', 'Basic abc']), { kind: 'none' }],
    ['a scheme that begins alike', fieldsOf(['Authorization', 'Bearerish abc']), { kind: 'none' }],
    ['Bearer', fieldsOf(['Authorization', 'Bearer a.b.c']), { kind: 'token', text: 'a.b.c' }],
    ['bEARER in any case', fieldsOf(['AUTHORIZATION', 'bEARER  a.b.c']), { kind: 'token', text: 'a.b.c' }],
    ['Bearer without a token', fieldsOf(['Authorization', 'Bearer']), { kind: 'token', text: '' }],
    ['twice', fieldsOf(['Authorization', 'Bearer a'], ['Authorization', 'Bearer a']), { kind: 'repeated' }],
    [
      'beside another scheme',
      fieldsOf(['Authorization', 'Basic a'], ['authorization', 'Bearer a']),
      { kind: 'repeated' },
    ],
  ];
  for (const [what, fields, expected] of cases) test(what, () => assert.deepEqual(findBearerToken(fields), expected));
});

const network = { sourceIp: '10.0.0.1' };

function connectionOf(spiffeId: string | null, sourceIp = '10.0.0.1'): Caller {
  const principal =
    spiffeId === null ? anonymous : { ...anonymous, id: spiffeId, spiffeId, type: 'workload', authn: 'mtls' };
  return {
    side: { principal, network: { ...network, sourceIp }, tls: {} } as unknown as Caller['side'],
    facts: { connectionId: 'c', listener: 'api', credential: noCredential, resumed: false },
    identityFields: spiffeId === null ? '' : 'x-postern-peer: it\r\n',
    tokenEnded: () => null,
    renewed: (own) => own,
  };
}

function identify(own: Caller, fields: FieldList, changed: Partial<InboundOptions> = {}): Promise<Identified> {
  const options = {
    identityRequired: 'x509_or_token',
    forwardToken: false,
    workloadHeaders: ['x-postern-peer'],
    ...changed,
  };
  const head = { fields, method: 'GET' } as RequestHead;
  return new Promise((resolve) => gate.identify(own, { head, options: options as InboundOptions }, resolve));
}

async function callerOf(own: Caller, claims: object, changed: Partial<InboundOptions> = {}) {
  const token = await signToken(key, { ...goodClaims, ...claims });
  const found = await identify(own, fieldsOf(['Authorization', `Bearer ${token}`], ['X-A', '1']), changed);
  assert.equal(found.kind, 'caller', JSON.stringify(found));
  return { token, found: found as Identified & { kind: 'caller' } };
}

const peer = 'spiffe://prod.acme.com/ns/payments/api';

test('without a token: a certificate does for `x509_or_token`, nothing does for `token`', async () => {
  const own = connectionOf(peer);
  const found = await identify(own, fieldsOf());
  assert.equal(found.kind === 'caller' && found.caller, own);
  const cases = [
    await identify(own, fieldsOf(), { identityRequired: 'token' }),
    await identify(connectionOf(null), fieldsOf()),
    await identify(connectionOf(null), fieldsOf(['Authorization', 'Basic abc'])),
  ];
  for (const one of cases) assert.equal(one.kind === 'refused' && one.refusal.cause, 'token_missing');
});

test('two tokens in one request are refused, also beside a certificate', async () => {
  const twice = fieldsOf(['Authorization', 'Bearer a'], ['Authorization', 'Bearer b']);
  const found = await identify(connectionOf(peer), twice);
  assert.equal(found.kind === 'refused' && found.refusal.cause, 'token_repeated');
});

test('a token alone names the principal; one beside a certificate stands beside it', async () => {
  const claims = { iss: 'https://b.example', sub: 'alice', act: { sub: 'agent-7' } };
  const { found: alone } = await callerOf(connectionOf(null), claims);
  const { principal } = alone.caller.side;
  const id = 'spiffe://ci.acme.com/alice';
  assert.deepEqual(
    [principal.id, principal.type, principal.authn, principal.issuer],
    [id, 'ai_agent', 'jwt', 'https://b.example'],
  );
  assert.equal(alone.caller.identityFields, `x-postern-peer: ${id}\r\n`);
  assert.equal(alone.caller.facts.credential.type, 'jwt');
  const own = connectionOf(peer);
  const { found: beside } = await callerOf(own, claims);
  const both = beside.caller.side.principal;
  assert.deepEqual([both.id, both.type, both.authn], [peer, 'workload', 'mtls']);
  const { spiffeId, type, actors, subject } = both.token!;
  assert.deepEqual([spiffeId, type, actors, subject], [id, 'ai_agent', ['agent-7'], 'alice']);
  assert.equal(both.claims.get('sub'), 'alice');
  assert.equal(beside.caller.identityFields, own.identityFields);
});

test('a caller with a token is renewed with what the registry says of its ID now, and with what its connection became', async () => {
  const claims = { iss: 'https://b.example', sub: 'alice' };
  const { token, found } = await callerOf(connectionOf(null), claims);
  const id = 'spiffe://ci.acme.com/alice';
  const registry = await parseRegistry(`identities:\n  - { spiffe_id: "${id}", owner: team-a }\n`, 'r.yaml');
  assert.equal(found.caller.side.principal.labels.get('owner'), undefined);
  world.attributes.publish(withRegistry(compileAttributeRules([]), registry));
  const own = connectionOf(null);
  const renewed = found.caller.renewed(own);
  assert.deepEqual([renewed.side.principal.id, renewed.side.principal.labels.get('owner')], [id, 'team-a']);
  const next = await identify(own, fieldsOf(['Authorization', `Bearer ${token}`]));
  assert.equal(next.kind === 'caller' && next.caller, renewed, 'the next request is from the same');
  const { found: beside } = await callerOf(connectionOf(peer), claims);
  const other = connectionOf(`${peer}2`);
  assert.equal(beside.caller.renewed(other).side.principal.id, `${peer}2`);
  world.attributes.publish(compileAttributeRules([]));
});

test('the token is taken out of the request unless it is asked for', async () => {
  const { found } = await callerOf(connectionOf(null), {});
  assert.deepEqual(found.head.fields.keys, ['x-a']);
  const { found: kept } = await callerOf(connectionOf(null), {}, { forwardToken: true });
  assert.deepEqual(kept.head.fields.keys, ['authorization', 'x-a']);
});

test('a name that would break a line towards the workload is escaped', async () => {
  const { found } = await callerOf(connectionOf(null), { sub: 'repo:acme/shop;x="1", ä' });
  assert.equal(found.caller.identityFields, 'x-postern-peer: repo:acme/shop%3Bx%3D%221%22%2C%20%C3%A4\r\n');
});

test('a token in two hands is flagged for both from then on, and counted once', async () => {
  replays = 0;
  const [a, b] = [connectionOf(peer), connectionOf('spiffe://prod.acme.com/other')];
  const seen = async (own: Caller, token: string) => {
    const found = await identify(own, fieldsOf(['Authorization', `Bearer ${token}`]));
    return found.kind === 'caller' && found.caller.side.principal.token?.replayed;
  };
  const token = await signToken(key, { ...goodClaims, jti: 'shared' });
  const again = await signToken(key, { ...goodClaims, jti: 'shared', x: 'another token of the same id' });
  assert.deepEqual(
    [await seen(a, token), await seen(a, token), await seen(connectionOf(peer, '10.9.9.9'), token)],
    [false, false, false],
  );
  assert.deepEqual([await seen(b, again), await seen(a, token), await seen(b, again)], [true, true, true]);
  assert.equal(replays, 1);
  const nameless = await signToken(key, { ...goodClaims, jti: undefined });
  const nobody = connectionOf(null);
  assert.deepEqual([await seen(nobody, nameless), await seen(connectionOf(null, '10.0.0.2'), nameless)], [false, true]);
});

test('tokens that were seen are remembered within a bound', () => {
  const watch = new ReplayWatch(() => {});
  const tokenOf = (jti: string) => ({ identity: { issuer: 'i', jti }, digest: '' }) as unknown as VerifiedToken;
  for (let at = 0; at < 20_001; at++) watch.isReplayed(tokenOf(`${at}`), 'a');
  assert.equal(watch.isReplayed(tokenOf('0'), 'b'), false, 'the oldest was forgotten');
  assert.equal(watch.isReplayed(tokenOf('20000'), 'b'), true);
});

test('the same connection with the same token is the same caller, so that plans and records are made once', async () => {
  const own = connectionOf(peer);
  const token = await signToken(key, { ...goodClaims, jti: 'same' });
  const fields = () => fieldsOf(['Authorization', `Bearer ${token}`]);
  const [first, second] = [await identify(own, fields()), await identify(own, fields())];
  assert.ok(first.kind === 'caller' && second.kind === 'caller' && first.caller === second.caller);
});
