// `npm run spire`: two Posterns with identities of a real SPIRE server and agent, whose SVIDs live for a minute, and a
// partner's SPIRE server that federates. Some minutes, and some more the first time, to build SPIRE.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { test } from 'node:test';
import { ask } from '../harness/calling-world.ts';
import { freePort } from '../harness/free-port.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { journalRecords, SidecarProcess, temporaryFolder } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { findTool, requireTool } from '../require-tool.ts';
import { buildSpire, spireVersion } from './spire/spire-build.ts';
import { SpireAgent, SpireServer, svidSeconds } from './spire/spire-world.ts';

const minuteMs = 60_000;
const ordersId = 'spiffe://prod.acme.com/ns/orders/api';
const paymentsId = 'spiffe://prod.acme.com/ns/payments/api';
const partnerId = 'spiffe://partner.example/ns/batch/api';

const policy = `policy "spire":
  principals: { type: workload, spiffe_id: ["spiffe://prod.acme.com/ns/*/*", "${partnerId}"] }
  rules:
    - name: all
      effect: allow
      actions: [read, write]
`;

interface Place {
  readonly dir: string;
  readonly agent: SpireAgent;
  readonly spiffeId: string;
  readonly adminPort: number;
}

function writeConfig({ dir, agent, spiffeId, adminPort }: Place, identity: string, listeners: string): string {
  mkdirSync(path.join(dir, 'policies'), { recursive: true });
  writeFileSync(path.join(dir, 'policies/policy.yaml'), policy);
  const file = path.join(dir, 'postern.yaml');
  writeFileSync(
    file,
    `version: 1
identity:
  source: workload-api
  workload_api: { socket: "unix://${agent.socket}", spiffe_id: "${spiffeId}" }
${identity}${listeners}policy: { paths: [policies/] }
audit:
  journal: { dir: journal }
  stdout: off
admin: { listen: "127.0.0.1:${adminPort}" }
shutdown: { drain: 1s }
`,
  );
  return file;
}

/** One request over TLS without anything to judge the server by; gives the status, or the code of the fault. */
function send(port: number, options: https.RequestOptions): Promise<number | string> {
  return new Promise((resolve) => {
    const request = https.request(
      { host: '127.0.0.1', port, path: '/', agent: false, rejectUnauthorized: false, ...options },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    request.end();
  });
}

test(`identities of SPIRE ${spireVersion}`, { timeout: 40 * minuteMs }, async (t) => {
  const go = findTool('go', '/usr/local/go/bin') ?? requireTool(t, 'go');
  if (go === null) return;
  const programs = await buildSpire(go);
  const dir = temporaryFolder(t);
  const servedPort = await freePort();
  const partner = await SpireServer.start(t, programs, {
    trustDomain: 'partner.example',
    dir: path.join(dir, 'partner'),
    federatesWith: `federates_with "prod.acme.com" {
      bundle_endpoint_url = "https://127.0.0.1:${servedPort}/"
      bundle_endpoint_profile "https_spiffe" { endpoint_spiffe_id = "${ordersId}" }
    }`,
  });
  const server = await SpireServer.start(t, programs, { trustDomain: 'prod.acme.com', dir: path.join(dir, 'own') });
  const agent = await SpireAgent.start(t, programs, server);
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());

  const partnerBundle = path.join(dir, 'partner.json');
  writeFileSync(partnerBundle, await partner.ask('bundle', 'show', '-format', 'spiffe'));
  const [inPort, outPort, ordersAdmin, paymentsAdmin] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const ordersDir = path.join(dir, 'orders');
  const ordersConfig = writeConfig(
    { dir: ordersDir, agent, spiffeId: ordersId, adminPort: ordersAdmin },
    `  federation:
    - trust_domain: partner.example
      bundle:
        url: https://127.0.0.1:${partner.bundlePort}/
        profile: https_spiffe
        endpoint_spiffe_id: spiffe://partner.example/spire/server
        file: ${partnerBundle}
  bundle_endpoint: { listen: "127.0.0.1:${servedPort}", profile: https_spiffe }
  tokens:
    - { profile: jwt_svid, trust_domain: prod.acme.com, audience: [orders] }
`,
    `inbound:
  - { name: orders, listen: "127.0.0.1:${inPort}", forward: "http://127.0.0.1:${workload.port}", identity_required: x509_or_token }
`,
  );
  const paymentsConfig = writeConfig(
    { dir: path.join(dir, 'payments'), agent, spiffeId: paymentsId, adminPort: paymentsAdmin },
    '',
    `outbound:
  - { name: orders, listen: "127.0.0.1:${outPort}", to: ["127.0.0.1:${inPort}"], accept: ["${ordersId}"] }
`,
  );
  const orders = SidecarProcess.spawn({ configFile: ordersConfig, adminPort: ordersAdmin });
  t.after(() => orders.kill());
  const payments = SidecarProcess.spawn({ configFile: paymentsConfig, adminPort: paymentsAdmin });
  t.after(() => payments.kill());
  const entries: Record<string, string> = {};

  await t.test('before there is an entry the operator is told who has none', async () => {
    await waitFor('what it waits for', async () => {
      const { status, body } = await orders.admin('/readyz');
      return status === 503 && /PERMISSION_DENIED/.test(body) && /uid/.test(body);
    });
  });

  await t.test('with entries both get the SVID that they name, of the two that the agent has', async () => {
    for (const id of [ordersId, paymentsId]) entries[id] = await server.enter(id);
    await Promise.all([orders.ready(), payments.ready()]);
    assert.match((await orders.admin('/identity')).body, new RegExp(ordersId));
    assert.match((await payments.admin('/identity')).body, new RegExp(paymentsId));
  });

  await t.test(
    'a plain call goes from one to the other over mutual TLS, and the workload is told by whom',
    async () => {
      const answer = await ask(outPort, '/orders/1');
      assert.equal(answer.status, 200, answer.body);
      assert.match(workload.received, new RegExp(`x-postern-peer: ${paymentsId}`));
    },
  );

  await t.test('no call fails while SVIDs rotate, nor while the agent is killed and comes back', async () => {
    const statuses = new Map<number, number>();
    let isCalling = true;
    const calls = (async () => {
      while (isCalling) {
        const { status } = await ask(outPort, '/orders/2');
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    })();
    const rotated = async (times: number): Promise<void> => {
      for (const one of [orders, payments]) {
        const before = await one.metric('postern_identity_rotations_total');
        const enough = async () => (await one.metric('postern_identity_rotations_total')) >= before + times;
        await waitFor('rotations', enough, (times + 1) * svidSeconds * 1_000);
      }
    };
    await rotated(2);
    await agent.stop();
    await waitFor('the loss to be told', async () => (await orders.metric('postern_identity_stream_up')) === 0);
    await agent.run();
    await waitFor('the stream', async () => (await orders.metric('postern_identity_stream_up')) >= 1, minuteMs);
    await rotated(1);
    isCalling = false;
    await calls;
    t.diagnostic(`${statuses.get(200)} calls`);
    assert.deepEqual([...statuses.keys()], [200]);
  });

  await t.test('a JWT-SVID of SPIRE is taken, one for another audience is not', async () => {
    const tokenFor = async (audience: string): Promise<string> => {
      const said = await agent.ask('api', 'fetch', 'jwt', '-audience', audience, '-spiffeID', paymentsId);
      return /^\s+(ey\S+)$/m.exec(said)?.[1] ?? assert.fail(said);
    };
    const bearer = async (audience: string) => ({ headers: { authorization: `Bearer ${await tokenFor(audience)}` } });
    await waitFor('the keys', async () => (await orders.metric('postern_token_keys')) > 0);
    assert.equal(await send(inPort, await bearer('orders')), 200);
    assert.equal(await send(inPort, await bearer('ledger')), 401);
    assert.equal(await send(inPort, {}), 401);
  });

  await t.test('a caller of the partner is let in by the bundle of its server’s endpoint', async () => {
    const minted = path.join(dir, 'minted');
    mkdirSync(minted);
    await partner.ask('x509', 'mint', '-spiffeID', partnerId, '-ttl', '10m', '-write', minted);
    const read = (name: string): string => readFileSync(path.join(minted, name), 'utf8');
    await waitFor(
      'a fetch',
      async () => (await orders.metric('postern_federation_last_success_timestamp_seconds')) > 0,
      minuteMs,
    );
    assert.equal(await send(inPort, { cert: read('svid.pem'), key: read('key.pem') }), 200);
    const names = journalRecords(path.join(ordersDir, 'journal')).map((one) => JSON.stringify(one));
    assert.ok(names.some((one) => one.includes(partnerId) && one.includes('"decision":"allow"')));
  });

  await t.test('the partner’s server takes our bundle from the endpoint of a Postern', async () => {
    const bundle = path.join(dir, 'own.json');
    writeFileSync(bundle, await server.ask('bundle', 'show', '-format', 'spiffe'));
    await partner.ask('bundle', 'set', '-format', 'spiffe', '-id', 'spiffe://prod.acme.com', '-path', bundle);
    const ownKeys = keyIds(await send200(`https://127.0.0.1:${servedPort}/`));
    assert.ok(ownKeys.length > 0);
    const held = async () =>
      keyIds(await partner.ask('bundle', 'list', '-format', 'spiffe', '-id', 'spiffe://prod.acme.com'));
    await waitFor('the bundle', async () => JSON.stringify(await held()) === JSON.stringify(ownKeys), minuteMs);
  });

  await t.test('without its entry a sidecar serves to the end of its SVID and says that it has none', async () => {
    await server.ask('entry', 'delete', '-entryID', entries[paymentsId]!);
    const told = async () =>
      /postern_identity_rotations_refused_total [1-9]/.test((await payments.admin('/metrics')).body);
    await waitFor('the missing SVID to be told', told, minuteMs);
    await waitFor('not ready', async () => (await payments.admin('/readyz')).status === 503, 2 * minuteMs);
    assert.equal((await orders.admin('/readyz')).status, 200);
  });
});

function keyIds(document: string): readonly string[] {
  const { keys } = JSON.parse(document) as {
    readonly keys: readonly { readonly use: string; readonly x5c?: readonly string[] }[];
  };
  return keys.flatMap(({ use, x5c }) => (use === 'x509-svid' ? (x5c ?? []) : [])).sort();
}

/** The document at an address, whoever serves it. */
function send200(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.get(url, { agent: false, rejectUnauthorized: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (piece: string) => {
        text += piece;
      });
      answer.on('end', () => resolve(text));
    });
    request.on('error', reject);
  });
}
