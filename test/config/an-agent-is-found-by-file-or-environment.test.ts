// Where the agent of `source: workload-api` listens (SPIFFE_Workload_Endpoint §4), and what of it is refused.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isPosternError } from '../../src/errors.ts';
import { parseAgentAddress } from '../../src/identity/workload-api/agent-address.ts';
import { formatAddress } from '../../src/lib/socket-address.ts';
import { findingsOf, parse, smallest } from './sample-config.ts';

const files = 'source: files\n  files: { cert: tls.crt, key: tls.key, bundle: bundle.pem }';
const agent = (section: string): string => smallest.replace(files, `source: workload-api${section}`);
const environment = { SPIFFE_ENDPOINT_SOCKET: 'unix:///run/env.sock' };

function workloadApiOf(text: string, env: Readonly<Record<string, string>>) {
  const { identity } = parse(text, env);
  assert.ok(identity.source === 'workload-api');
  return identity.workloadApi;
}

test('the configuration says where it is', () => {
  const text = agent('\n  workload_api: { socket: "unix:///run/a.sock", hint: external }');
  const expected = { socket: 'unix:///run/a.sock', spiffeId: null, hint: 'external' };
  assert.deepEqual(workloadApiOf(text, environment), expected);
});

test('without it, SPIFFE_ENDPOINT_SOCKET does', () => {
  const expected = { socket: 'unix:///run/env.sock', spiffeId: null, hint: null };
  assert.deepEqual(workloadApiOf(agent(''), environment), expected);
  assert.deepEqual(workloadApiOf(agent('\n  workload_api: {}'), environment), expected);
});

test('without both, the finding names both', () => {
  const line =
    'postern.yaml:3:3: error: `source: workload-api` needs the address of the agent, and SPIFFE_ENDPOINT_SOCKET is not set [ERR_CONFIG_KEY]; add `workload_api: { socket: unix:///run/spire/agent.sock }`, or set SPIFFE_ENDPOINT_SOCKET';
  assert.deepEqual(
    findingsOf(agent('')).map((one) => one.replace(/^postern\.yaml:3:\d+/, 'postern.yaml:3:3')),
    [line],
  );
  assert.equal(findingsOf(agent(''), { SPIFFE_ENDPOINT_SOCKET: '' }).length, 1);
});

test('a variable that is no address is refused by its name', () => {
  const [line, ...more] = findingsOf(agent(''), { SPIFFE_ENDPOINT_SOCKET: '/run/agent.sock' });
  assert.match(line!, /SPIFFE_ENDPOINT_SOCKET: `\/run\/agent\.sock` is no address .*\[ERR_WORKLOAD_API_ADDRESS\]/);
  assert.deepEqual(more, []);
});

const addresses: readonly (readonly [text: string, formatted: string | null])[] = [
  ['unix:///run/agent.sock', 'unix:/run/agent.sock'],
  ['unix:/run/agent.sock', 'unix:/run/agent.sock'],
  ['tcp://127.0.0.1:8081', '127.0.0.1:8081'],
  ['tcp://[::1]:8081', '[::1]:8081'],
  ['', null],
  ['/run/agent.sock', null],
  ['unix:', null],
  ['unix://', null],
  ['unix:///', null],
  ['unix://run/agent.sock', null],
  ['unix:run/agent.sock', null],
  ['unix:///run/agent.sock?x', null],
  ['unix:///run/agent.sock#x', null],
  ['unix:///run/agent/', null],
  ['unix:///run/a%20gent.sock', null],
  [`unix:///${'a'.repeat(107)}`, null],
  ['UNIX:///run/agent.sock', null],
  ['tcp://127.0.0.1', null],
  ['tcp://127.0.0.1:0', null],
  ['tcp://127.0.0.1:65536', null],
  ['tcp://127.0.0.1:8081/x', null],
  ['tcp://localhost:8081', null],
  ['tcp://user@127.0.0.1:8081', null],
  ['tcp://1.2.3:8081', null],
  ['tcp://[127.0.0.1]:8081', null],
  ['http://127.0.0.1:8081', null],
];

describe('an address of an agent', () => {
  for (const [text, formatted] of addresses) {
    test(`${JSON.stringify(text.slice(0, 40))} is ${formatted === null ? 'refused' : 'taken'}`, () => {
      if (formatted !== null) return assert.equal(formatAddress(parseAgentAddress(text)), formatted);
      assert.throws(
        () => parseAgentAddress(text),
        (error) => isPosternError(error, 'ERR_WORKLOAD_API_ADDRESS'),
      );
    });
  }
});
