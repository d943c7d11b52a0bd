// `postern audit`: exit codes, output for people and for programs, and clear errors.

import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { CliIo } from '../../src/cli/cli-io.ts';
import { runCli } from '../../src/cli/main.ts';
import { createPaint } from '../../src/lib/paint.ts';
import { anonymous } from '../../src/proxy/caller.ts';
import { tlsFactsOf } from '../../src/proxy/peer-admission.ts';
import { journalFolder, record, segmentPaths, startRecorder, writeStream } from '../audit/journal-in-folder.ts';
import { allow, decisionEvent, deny, principal } from '../audit/sample-events.ts';

const plainTls = tlsFactsOf(null, { version: null, cipher: undefined, sni: null, alpn: null });

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(...argv: string[]): Promise<Ran> {
  let [code, out, err] = [0, '', ''];
  const io: CliIo = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env: {},
    cwd: '/',
    isTerminal: false,
    paint: createPaint(false),
    readStdin: async () => '',
    stdin: Readable.from([]),
    setExitCode: (next) => {
      code = next;
    },
  };
  await runCli(['audit', ...argv], io);
  return { code, out, err };
}

test('verify says intact with exit code 0, and broken with 1 and the place', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 5);
  const good = await run('verify', '--journal', dir);
  assert.equal(good.code, 0);
  assert.match(good.out, /^ok .*records 1 to 6; closed\n.*last seal 6 [0-9a-f]{64}\nintact: 6 records in 1 streams\n$/);
  const [path] = await segmentPaths(dir);
  await writeFile(path!, (await readFile(path!, 'latin1')).replace('"decision":"allow"', '"decision":"deny" '));
  const bad = await run('verify', '--journal', dir);
  assert.equal(bad.code, 1);
  assert.match(
    bad.out,
    /seal_mismatch .*ndjson:\d+ the seal of records 1 to 5 does not fit: what it seals was changed/,
  );
  const json = await run('verify', '--journal', dir, '--json');
  assert.equal((JSON.parse(json.out) as { intact: boolean }).intact, false);
});

test('tail and query print a line for people, and with --json the record', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 5);
  const tail = await run('tail', '--journal', dir, '-n', '2');
  assert.equal(tail.out.trimEnd().split('\n').length, 2);
  assert.match(
    tail.out,
    /ALLOW spiffe:\/\/prod\.acme\.com\/ns\/payments\/sa\/api read http_endpoint payments_db GET \/v1\/payments\/4 \[rule payment-service-access\/database-access\]/,
  );
  const query = await run(
    'query',
    '--journal',
    dir,
    '--since',
    '2026-11-22',
    '--decision',
    'allow',
    '--limit',
    '1',
    '--json',
  );
  assert.equal((JSON.parse(query.out) as { seq: number }).seq, 1);
});

test('plaintext and shadow count who is not there yet, and say so by exit code where asked', async (t) => {
  const dir = await journalFolder(t);
  const { recorder } = await startRecorder(t, dir);
  const { principal: _, tls: __, ...rest } = decisionEvent(1).request;
  const nobody = { ...rest, principal: { ...anonymous }, tls: plainTls };
  for (const [at, decision] of [allow, allow, deny].entries()) {
    await record(recorder, { ...decisionEvent(at), decision, request: nobody });
  }
  await record(recorder, { ...decisionEvent(3), decision: deny, enforced: false });
  const plain = await run('plaintext', '--journal', dir, '--exit-code');
  assert.deepEqual([plain.code, plain.out.split('\n').length], [1, 2]);
  assert.match(plain.out, / 3 {2}last 20.*Z {2}10\.0\.0\.7 -> inbound: read .* \(2 allowed, 1 denied\)\n$/);
  const shadow = await run('shadow', '--journal', dir, '--json');
  const { rows } = JSON.parse(shadow.out) as { rows: { who: string; denied: number }[] };
  assert.deepEqual([shadow.code, rows.map(({ who, denied }) => [who, denied])], [0, [[principal.id, 1]]]);
  const later = await run('shadow', '--journal', dir, '--exit-code', '--since', '2099-01-01');
  assert.deepEqual([later.code, later.out.startsWith('no deny was let pass')], [0, true]);
});

test('export prints every record once in the encoding asked for, and natively the journal as it stands', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 5);
  const [path] = await segmentPaths(dir);
  const native = await run('export', '--journal', dir);
  assert.deepEqual([native.out, native.err, native.code], [await readFile(path!, 'latin1'), '', 0]);
  const begins = {
    ecs: '{"@timestamp":',
    ocsf: '{"category_uid":6',
    cef: 'CEF:0|',
    rfc5424: '<86>1 ',
    otlp: '{"resource',
  };
  for (const [name, begin] of Object.entries(begins)) {
    const { out, code } = await run('export', '--journal', dir, '--encode', name);
    const lines = out.trimEnd().split('\n');
    assert.equal(code, 0);
    assert.equal(lines.length, 5);
    for (const [n, line] of lines.entries()) {
      assert.ok(line.startsWith(begin), line);
      assert.ok(line.includes(`/v1/payments/${n}`) || line.includes(`8000-00000000000${n}`));
    }
  }
  const none = await run('export', '--journal', dir, '--encode', 'ecs', '--since', '2100-01-01');
  assert.deepEqual([none.out, none.code], ['', 0]);
});

test('what export and query cannot read is told on stderr, never passed over in silence', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 2);
  const [path] = await segmentPaths(dir);
  await appendFile(path!, '{"schema":"postern.decision/1","type":"dec');
  const query = await run('query', '--journal', dir);
  assert.match(query.err, /ndjson ends with 42 bytes that are no whole line/);
  const torn = await run('export', '--journal', dir, '--encode', 'ecs');
  assert.match(torn.err, /^postern: 42 bytes that are no whole line/);
  assert.deepEqual([torn.code, torn.out.trimEnd().split('\n').length], [0, 2]);
  await appendFile(path!, '\nnot a record\n');
  const changed = await run('export', '--journal', dir, '--encode', 'cef');
  assert.equal(changed.code, 1);
  assert.match(changed.err, /^postern: 2 lines that are no record/);
});

test('moments are taken to the microsecond', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 3);
  // The sample events lie 137 microseconds apart.
  const count = async (...flags: string[]) => {
    const { out } = await run('query', '--journal', dir, '--json', ...flags);
    return out.split('\n').length - 1;
  };
  assert.equal(await count('--since', '2026-11-22T10:00:00.000137Z'), 2);
  assert.equal(await count('--since', '2026-11-22T10:00:00.000138Z'), 1);
  assert.equal(await count('--until', '2026-11-22T11:00:00.000137+01:00'), 1);
});

test('ship --once sends what each flavour of receiver takes, with the secret of the file, and says what it did', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 3);
  const secret = join(dir, 'secret');
  await writeFile(secret, 'Splunk 1234\n');
  const got: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  const server = createServer(async (request, response) => {
    got.push({ headers: request.headers, body: await text(request) });
    response.end('{"text":"Success","code":0}');
  });
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
  const target = ['--journal', dir, '--url', url, '--once', '--authorization-file', secret];
  const hec = await run('ship', ...target, '--name', 'splunk', '--flavour', 'splunk_hec', '--encode', 'ocsf');
  assert.equal(hec.err, 'postern: 3 records delivered, 0 refused, 0 retries\n');
  assert.equal(got[0]?.headers.authorization, 'Splunk 1234');
  const events = got[0]!.body.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    events.map(({ time, sourcetype, event }) => [time, sourcetype, (event as Record<string, unknown>)['class_uid']]),
    [1, 2, 3].map(() => [1_795_341_600, 'postern:authz', 6003]),
  );
  await run('ship', ...target, '--name', 'hec-cef', '--flavour', 'splunk_hec', '--encode', 'cef');
  assert.match((JSON.parse(got[1]!.body.split('\n')[0]!) as { event: string }).event, /^CEF:0\|/);
  await run('ship', ...target, '--name', 'lake', '--encode', 'native');
  const [path] = await segmentPaths(dir);
  assert.deepEqual(
    [got[2]!.headers['content-type'], got[2]!.body],
    ['application/x-ndjson', await readFile(path!, 'utf8')],
  );
  await run('ship', ...target, '--name', 'lake', '--encode', 'native');
  assert.equal(got.length, 3);
});

test('wrong input is exit code 2 and says how to mend it', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 1);
  for (const [argv, expected] of [
    [['query', '--journal', `${dir}/none`], /does not exist/],
    [['query', '--journal', dir, '--since', 'yesterday'], /`yesterday` is no time/],
    [['query', '--journal', dir, '--decision', 'maybe'], /none of allow, deny/],
    [['export', '--journal', dir, '--encode', 'xml'], /none of native, ecs, ocsf, cef, rfc5424, otlp/],
    [['ship', '--journal', dir, '--url', 'ftp://x'], /no http or https address/],
    [['ship', '--journal', dir, '--url', 'https://u:p@x'], /--authorization-file/],
    [['ship', '--journal', dir, '--url', 'http://x', '--name', '../x'], /--name/],
    [['ship', '--journal', dir, '--url', 'http://x', '--flavour', 'elastic', '--encode', 'cef'], /takes JSON/],
    [['ship', '--journal', dir, '--url', 'http://x', '--ca', `${dir}/none`], /--ca cannot be read/],
    [['tail', '--journal', dir, '-n', 'x'], /no whole number/],
    [['verify'], /journal/],
  ] as const) {
    const ran = await run(...argv);
    assert.equal(ran.code, 2, argv.join(' '));
    assert.match(ran.err, expected);
  }
});

test('what a tampered file holds cannot reach the terminal as a control sequence', async (t) => {
  const dir = await journalFolder(t);
  await writeStream(dir, 1);
  const [path] = await segmentPaths(dir);
  const text = await readFile(path!, 'latin1');
  await writeFile(path!, text.replace('payments_db', '\\u001b[31m\u009b\\u202e'), 'latin1');
  for (const flags of [[], ['--json']]) {
    const { out } = await run('tail', '--journal', dir, ...flags);
    assert.match(out, /^[\x20-\x7e\n\ufffd]+$/);
  }
});
