// The configurations and commands of docs/siem.md do what the page says, taken from it as they stand but for addresses and folders. Those of rsyslog and
// syslog-ng are run by test/runtime/syslog-servers-get-every-record.test.ts and `npm run syslog-ng`, the row of Kafka against its broker by `npm run kafka`.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { writeStream } from '../audit/journal-in-folder.ts';
import { requestOfProtobuf } from '../audit/otlp-collector.ts';
import { checkCef, checkEcs, checkOcsf, checkRfc5424 } from '../audit/schema-checks.ts';
import { Mesh } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { put, temporaryFolder } from '../harness/sidecar-process.ts';
import { waitFor } from '../harness/wait-for.ts';
import { program } from '../program.ts';
import { requireTool } from '../require-tool.ts';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(root, 'docs/siem.md'), 'utf8');

/** The block of the page that begins so. */
function shown(opening: string): string {
  const at = page.indexOf(`\`\`\`${opening}`);
  assert.notEqual(at, -1, opening);
  const begin = page.indexOf('\n', at) + 1;
  return page.slice(begin, page.indexOf('\n```', begin) + 1);
}

function replaced(text: string, places: Readonly<Record<string, string>>): string {
  return Object.entries(places).reduce((made, [from, to]) => {
    assert.ok(made.includes(from), `${from} is not in:\n${made}`);
    return made.replaceAll(from, to);
  }, text);
}

interface Taken {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: Buffer;
}

interface Receivers {
  /** For HTTP, syslog over TLS and syslog over TCP. */
  readonly ports: Readonly<Record<'https' | 'tls' | 'tcp', number>>;
  readonly taken: readonly Taken[];
  /** What came as syslog. */
  readonly said: { readonly tls: string; readonly tcp: string };
  /** Names in the certificates that were shown. */
  readonly shown: ReadonlySet<string>;
}

/** Receivers of all that the page tells of, with a certificate; they ask for one. */
async function startReceivers(t: TestContext, own: tls.TlsOptions): Promise<Receivers> {
  const [taken, said, names]: [Taken[], Receivers['said'], Set<string>] = [[], { tls: '', tcp: '' }, new Set()];
  const asking = { ...own, requestCert: true, rejectUnauthorized: true };
  const see = (socket: tls.TLSSocket): void => void names.add(String(socket.getPeerCertificate().subjectaltname));
  const web = https.createServer(asking, (request, answer) => {
    const pieces: Buffer[] = [];
    see(request.socket as tls.TLSSocket);
    request.on('data', (piece: Buffer) => void pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      const { url = '', headers } = request;
      taken.push({ url, authorization: headers.authorization, body });
      const items = body
        .toString()
        .match(/^\{"create".*/gm)
        ?.map(() => ({ create: { status: 201 } }));
      answer.end(url === '/v1/logs' ? '' : JSON.stringify({ errors: false, items }));
    });
  });
  const hear = (kind: 'tls' | 'tcp') => (socket: net.Socket) => {
    socket.on('data', (piece) => Object.assign(said, { [kind]: said[kind] + piece.toString() }));
    socket.on('error', () => {});
  };
  const secured = tls.createServer(asking, hear('tls')).on('secureConnection', see);
  const ports = {
    https: await listen(t, web),
    tls: await listen(t, secured),
    tcp: await listen(t, net.createServer(hear('tcp'))),
  };
  return { ports, taken, said, shown: names };
}

async function listen(t: TestContext, server: net.Server | https.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  t.after(() => ('closeAllConnections' in server ? server.closeAllConnections() : undefined));
  return (server.address() as net.AddressInfo).port;
}

/** The first message of octet counting (RFC 6587 §3.4.1), when it is whole. */
function messageIn(text: string): string | null {
  const { 0: head, 1: length } = /^(\d+) /.exec(text) ?? ['', '0'];
  const message = text.slice(head.length, head.length + Number(length));
  return message !== '' && message.length === Number(length) ? message : null;
}

function firstLineOf(file: string): string | null {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text.includes('\n') ? text.slice(0, text.indexOf('\n')) : null;
}

const lines = (body: Buffer): string[] => body.toString().trim().split('\n');

/** What each place of the page got, as one document. */
function documentsOf(receivers: Receivers, url: string): readonly unknown[] {
  return receivers.taken
    .filter((one) => one.url === url)
    .flatMap<unknown>(({ body }) => {
      if (url !== '/v1/logs') return lines(body).filter((line) => !line.startsWith('{"create"'));
      const { resourceLogs } = requestOfProtobuf(gunzipSync(body));
      return resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
    });
}

test('every row of the first example delivers, with the own SVID, and so does `postern audit ship`', async (t) => {
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const dir = temporaryFolder(t);
  const out = path.join(dir, 'out.cef');
  // The rows come before the receivers know their certificate, so ports are known first.
  const mesh = await Mesh.create(t, { workloadPort: workload.port });
  const svid = await mesh.ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/siem', dnsNames: ['localhost'] });
  const own = { cert: svid.certChainPem, key: svid.keyPem, ca: mesh.ca.bundlePem };
  const receivers = await startReceivers(t, own);
  const { https: web, tls: syslog, tcp } = receivers.ports;
  const host = `https://localhost:${web}`;
  const section = replaced(shown('yaml\naudit:'), {
    'https://es:9200': host,
    'https://splunk:8088': host,
    'https://vector:8080': host,
    'https://collector:4318': host,
    'tls://siem:6514': `tls://localhost:${syslog}`,
    'tcp://arcsight:514': `tcp://localhost:${tcp}`,
    'kafka:9093': 'localhost:1',
    '/var/log/postern/authz.cef': out,
  });
  for (const name of ['es-ca.pem', 'siem-ca.pem', 'otel-ca.pem', 'kafka-ca.pem']) mesh.put(name, mesh.ca.bundlePem);
  const journal = `  journal: { dir: ${mesh.journalDir} }\n  stdout: off\n`;
  const audit = /^audit:[\s\S]*?(?=^\w)/m;
  mesh.put(
    'postern.yaml',
    mesh.readConfig().replace(audit, () => `${section}${journal}`),
  );
  const systemCas = put(dir, 'system-cas.pem', mesh.ca.bundlePem);
  const secrets = { ES_AUTHORIZATION: 'ApiKey es', HEC_TOKEN: 'hec', NODE_EXTRA_CA_CERTS: systemCas };
  const sidecar = await mesh.start(t, secrets);
  const peer = await RawPeer.connect(mesh.port, await mesh.caller()).secured();
  peer.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await waitFor('an answer', () => peer.received.includes('\r\n\r\n'));
  peer.close();
  const places = ['/postern/_bulk', '/services/collector/event', '/postern', '/v1/logs'] as const;
  const [overTls, overTcp, inFile] = await waitFor('a record everywhere', () => {
    const isEverywhere = places.every((url) => documentsOf(receivers, url).length > 0);
    const texts = [messageIn(receivers.said.tls), messageIn(receivers.said.tcp), firstLineOf(out)];
    return isEverywhere && texts.every((text) => text !== null) ? texts : null;
  });
  const [bulk, events, lake, logs] = places.map((url) => documentsOf(receivers, url));
  checkEcs(String(bulk![0]));
  assert.equal((JSON.parse(String(events![0])) as { sourcetype: string }).sourcetype, 'postern:authz');
  checkOcsf(String(lake![0]));
  assert.equal((logs![0] as { eventName: string }).eventName, 'authz.decision');
  checkRfc5424(overTls!);
  checkCef(overTcp!.replace(/^.*?(?=CEF:0)/, ''));
  checkCef(inFile!);
  const authorizations = new Set(receivers.taken.map(({ authorization }) => authorization));
  assert.deepEqual(authorizations, new Set(['ApiKey es', 'Splunk hec', undefined]));
  assert.deepEqual([...receivers.shown], ['URI:spiffe://prod.acme.com/ns/payments/server, DNS:localhost']);
  await sidecar.kill();
  await shipsByHand(t, { mesh, host, systemCas, receivers });
});

interface ByHand {
  readonly mesh: Mesh;
  readonly host: string;
  readonly systemCas: string;
  readonly receivers: Receivers;
}

async function shipsByHand(t: TestContext, { mesh, host, systemCas, receivers }: ByHand): Promise<void> {
  const before = receivers.taken.length;
  const command = replaced(shown('\npostern audit ship'), {
    '/var/lib/postern/journal': mesh.journalDir,
    '--name es': '--name by-hand',
    'https://es:9200': host,
    '/etc/postern/es-auth': put(mesh.dir, 'es-auth', 'ApiKey by-hand\n'),
  });
  const { cert, key } = await mesh.caller();
  const own = `--cert ${put(mesh.dir, 'own.crt', String(cert))} --key ${put(mesh.dir, 'own.key', String(key))}`;
  await inShell(t, `${command.trim()} --once ${own}`, { NODE_EXTRA_CA_CERTS: systemCas });
  const [first, ...rest] = receivers.taken.slice(before);
  assert.deepEqual([first?.url, first?.authorization, rest.length], ['/postern/_bulk', 'ApiKey by-hand', 0]);
  checkEcs(lines(first!.body)[1]!);
}

/** With `postern` and the Node of this test among the commands. */
async function inShell(
  t: TestContext,
  command: string,
  env: Readonly<Record<string, string>>,
  cwd = root,
): Promise<string> {
  const bin = temporaryFolder(t);
  symlinkSync(program, path.join(bin, 'postern'));
  const PATH = [bin, path.dirname(process.execPath), process.env['PATH']].join(path.delimiter);
  const { stdout } = await run('sh', ['-euc', command], { cwd, env: { ...process.env, ...env, PATH } });
  return stdout;
}

test('the commands for Elasticsearch put the pipeline and the template where it looks for them', async (t) => {
  if (requireTool(t, 'curl') === null) return;
  const got: [string, string, unknown][] = [];
  const server = http.createServer((request, answer) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    request.on('end', () => {
      got.push([request.method!, request.url!, JSON.parse(text)]);
      answer.end('{"acknowledged":true}');
    });
  });
  const host = `http://127.0.0.1:${await listen(t, server)}`;
  await inShell(
    t,
    replaced(shown('\ncd deploy/siem/elastic'), { 'https://es:9200': host, '-u USER': '-u user:pw' }),
    {},
  );
  const files = ['ingest-pipeline.json', 'index-template.json'].map(
    (name) => JSON.parse(readFileSync(path.join(root, 'deploy/siem/elastic', name), 'utf8')) as unknown,
  );
  assert.deepEqual(got, [
    ['PUT', '/_ingest/pipeline/postern-authz', files[0]],
    ['PUT', '/_index_template/postern-authz', files[1]],
  ]);
});

test('the commands for Sigma name files that there are, and the baseline makes both filters of a journal', async (t) => {
  const folder = path.join(temporaryFolder(t), 'sigma');
  cpSync(path.join(root, 'deploy/siem/sigma'), folder, { recursive: true });
  const journal = path.join(folder, 'journal');
  await writeStream(journal, 3);
  const block = shown('\npostern audit query --journal');
  const [make, convert] = block.trim().split('\n') as [string, string];
  await inShell(t, replaced(make, { '/var/lib/postern/journal': journal }), {}, folder);
  const named = [...`${convert}\n${shown('\npip install sigma-cli')}`.matchAll(/(?<=--filter |-p )\S+|\brules\b/g)];
  assert.equal(named.length, 6);
  for (const [name] of named) assert.ok(existsSync(path.join(folder, name)), name);
});
