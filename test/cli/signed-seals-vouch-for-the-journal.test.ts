// Seals that are signed by the SVID's key are verified offline with the trust bundle; a history that was written anew, with right hashes, is found.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openRecorder } from '../../src/audit/recorder.ts';
import { SealChain, sealTail } from '../../src/audit/seal-chain.ts';
import { type SealSigner, signatureMember } from '../../src/audit/seal-signature.ts';
import { verifyJournal } from '../../src/audit/verify.ts';
import { signatureJudge } from '../../src/cli/audit-signatures.ts';
import type { CliIo } from '../../src/cli/cli-io.ts';
import type { IdentitySnapshot } from '../../src/identity/source.ts';
import { parseX509Svid } from '../../src/identity/x509-svid.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { createSealSigner } from '../../src/runtime/seal-signer.ts';
import { journalFolder, record, segmentPaths } from '../audit/journal-in-folder.ts';
import { decisionEvent, journalOptions } from '../audit/sample-events.ts';
import { ecKeys, hourMs, type KeyPair, type Made, makeCa, makeLeaf, rsaKeys } from '../identity/workshop.ts';

const own = 'spiffe://prod.acme.com/payments';
/** Two days ago: what was valid then has ended. */
const thenMs = Date.now() - 48 * hourMs;
const everyMs = 60_000;
const caTimes = { notBeforeMs: thenMs - hourMs, notAfterMs: thenMs + 96 * hourMs };
const ca = await makeCa(caTimes);

async function leafOf(id: string, spec: { issuer?: Made; keys?: KeyPair; fromMs?: number } = {}): Promise<Made> {
  const { issuer = ca, keys, fromMs = thenMs - 60_000 } = spec;
  return makeLeaf({ uris: [id], issuer, notBeforeMs: fromMs, notAfterMs: fromMs + hourMs, ...(keys && { keys }) });
}

function snapshotOf({ pem, keyPem }: Made, via: readonly Made[] = []): IdentitySnapshot {
  const certPem = [pem, ...via.map((one) => one.pem)].join('');
  const svid = parseX509Svid({ certPem, keyPem, certFile: 'tls.crt', keyFile: 'tls.key', nowMs: thenMs });
  return { revision: 1, svid, bundles: null as never };
}

function signerOf(source: { readonly current: IdentitySnapshot }): SealSigner {
  return createSealSigner(source, everyMs, (error) => {
    throw error;
  });
}

interface World {
  readonly dir: string;
  readonly clock: ManualClock;
  readonly source: { current: IdentitySnapshot };
}

/** Writes a stream: a record, then what a test does, then the end. */
async function writeSigned(
  t: TestContext,
  leaf: Made,
  between: (world: World, seal: () => Promise<void>) => Promise<void>,
) {
  const world = { dir: await journalFolder(t), clock: new ManualClock(thenMs), source: { current: snapshotOf(leaf) } };
  const { dir, clock, source } = world;
  const recorder = await openRecorder(journalOptions(dir), { clock, signer: signerOf(source) });
  const seal = async () => {
    await record(recorder, decisionEvent(recorder.stats().records));
    const { seals } = recorder.stats();
    recorder.rotate();
    while (recorder.stats().seals === seals) await new Promise((resolve) => setImmediate(resolve));
  };
  await seal();
  await between(world, seal);
  await record(recorder, decisionEvent(99));
  await recorder.close();
  return world;
}

interface Asked {
  readonly domain?: string;
  readonly authority?: Made;
  readonly signer?: readonly string[];
}

/** What is found wrong, and who signed. */
async function verified(dir: string, { domain = 'prod.acme.com', authority = ca, signer = [] }: Asked = {}) {
  const file = join(dir, 'bundle.pem');
  await writeFile(file, authority.pem);
  const judge = await signatureJudge({ bundle: [`${domain}=${file}`], signer }, { cwd: dir } as CliIo);
  const { intact, streams } = await verifyJournal(dir, judge);
  const findings = streams.flatMap((stream) => stream.findings);
  assert.equal(intact, findings.length === 0);
  return {
    codes: [...new Set(findings.map(({ code }) => code))],
    messages: findings.map(({ message }) => message).join('\n'),
    signers: streams.flatMap((stream) => stream.signed?.signers ?? []),
  };
}

const good = { codes: [], messages: '', signers: [own] };

/** Changes the lines of a journal, and puts the hashes of all seals right again, as one who may write the folder can. */
async function rewrite(dir: string, change: (line: string) => string, signer?: SealSigner): Promise<void> {
  let chain: SealChain | null = null;
  for (const path of await segmentPaths(dir)) {
    const lines = (await readFile(path, 'latin1')).split('\n').slice(0, -1);
    chain ??= SealChain.ofStream((JSON.parse(lines[0]!) as { stream_id: string }).stream_id);
    const written = lines.map((line) => {
      const [changed, before] = [change(line), chain!];
      if (!changed.includes('"type":"seal"')) {
        before.update(Buffer.from(`${changed}\n`, 'latin1'));
        return `${changed}\n`;
      }
      const body = changed
        .slice(0, changed.lastIndexOf(',"sha256":"'))
        .replace(/"prev":"\w+"/, `"prev":"${before.previous}"`);
      const signed = signer === undefined ? '' : signatureMember(signer, body, (head) => before.digestWith(head));
      const head = `${body}${signed},"sha256":"`;
      const sha256 = before.digestWith(head);
      before.sealed(sha256);
      return `${head}${sha256}${sealTail}`;
    });
    await writeFile(path, written.join(''), 'latin1');
  }
}

const unsigned = (line: string) => line.replace(/,"signature":\{[^}]*\}/, '');
const denied = (line: string) => line.replace('"decision":"allow"', '"decision":"deny"');

async function signedSeals(dir: string): Promise<readonly boolean[]> {
  const text = (await Promise.all((await segmentPaths(dir)).map((path) => readFile(path, 'latin1')))).join('');
  return text
    .split('\n')
    .filter((line) => line.includes('"type":"seal"'))
    .map((line) => line.includes('"signature":'));
}

for (const [name, keys] of [
  ['P-256', ecKeys()],
  ['P-384', ecKeys('P-384')],
  ['RSA 2048', rsaKeys(2048)],
] as const) {
  test(`a journal signed with ${name} verifies by the bundle after the certificate has ended`, async (t) => {
    const { dir } = await writeSigned(t, await leafOf(own, { keys }), async () => {});
    assert.deepEqual(await verified(dir), good);
    assert.deepEqual(await verified(dir, { signer: [own] }), good);
  });
}

test('the first seal, one in each interval, and the last one are signed; each is enough for all before it', async (t) => {
  const { dir } = await writeSigned(t, await leafOf(own), async ({ clock }, seal) => {
    clock.advance(everyMs - 1);
    await seal();
    clock.advance(1);
    await seal();
  });
  assert.deepEqual(await signedSeals(dir), [true, false, true, true]);
  assert.deepEqual(await verified(dir), good);
});

test('a rotation of the key, to a certificate of another intermediate, is followed', async (t) => {
  const intermediate = await makeCa({ ...caTimes, issuer: ca, subject: 'CN=Intermediate' });
  const next = await leafOf(own, { issuer: intermediate, fromMs: thenMs });
  const { dir } = await writeSigned(t, await leafOf(own), async ({ clock, source }, seal) => {
    source.current = snapshotOf(next, [intermediate]);
    clock.advance(everyMs);
    await seal();
  });
  assert.deepEqual(await verified(dir), good);
});

test('a certificate that was over when the seal was made does not vouch', async (t) => {
  const { dir } = await writeSigned(t, await leafOf(own), async ({ clock }) => clock.advance(2 * hourMs));
  const { codes, messages } = await verified(dir);
  assert.deepEqual(codes, ['signature_forged', 'signature_missing']);
  assert.match(messages, /expired/);
});

/** Kills the writer: its last seal is not there, and a line is torn. Then another one comes. */
async function killAndRestart({ dir, clock, source }: World): Promise<void> {
  const path = (await segmentPaths(dir)).at(-1)!;
  const [first] = (await readFile(path, 'latin1')).split('\n');
  await writeFile(path, `${first}\n{"torn`);
  clock.advance(1_000);
  const recorder = await openRecorder(journalOptions(dir), { clock, signer: signerOf(source) });
  await record(recorder);
  await recorder.close();
}

test('a stream that was killed is vouched for by its own signatures, and whoever closes it adds none', async (t) => {
  const world = await writeSigned(t, await leafOf(own), async () => {});
  await killAndRestart(world);
  assert.deepEqual(await signedSeals(world.dir), [true, false, true]);
  assert.deepEqual(await verified(world.dir), { ...good, signers: [own, own] });
});

test('a stream that was written anew while no process had it is not vouched for by the one that closes it', async (t) => {
  const world = await writeSigned(t, await leafOf(own), async () => {});
  await rewrite(world.dir, (line) => denied(unsigned(line)));
  await killAndRestart(world);
  assert.equal((await verifyJournal(world.dir)).intact, true, 'the hashes alone are right');
  assert.deepEqual((await verified(world.dir)).codes, ['signature_missing']);
});

test('unsigned seals behind a signed one are found when a signature is due', async (t) => {
  const world = await writeSigned(t, await leafOf(own), async ({ clock }, seal) => {
    clock.advance(everyMs + 1);
    await seal();
  });
  let seals = 0;
  await rewrite(world.dir, (line) => (line.includes('"type":"seal"') && seals++ > 0 ? unsigned(line) : line));
  await killAndRestart(world);
  const { codes, messages } = await verified(world.dir);
  assert.deepEqual(codes, ['signature_missing']);
  assert.match(messages, /one is due/);
});

interface Attack {
  readonly name: string;
  readonly make: (dir: string) => Promise<unknown>;
  readonly asked?: Asked;
  readonly codes: readonly string[];
}

const otherCa = await makeCa({ ...caTimes, subject: 'CN=Test CA' });
const attackers = {
  stranger: signerOf({ current: snapshotOf(await leafOf(own, { issuer: otherCa })) }),
  neighbour: signerOf({ current: snapshotOf(await leafOf('spiffe://prod.acme.com/neighbour')) }),
};
const change = (edit: (line: string) => string, signer?: SealSigner) => (dir: string) => rewrite(dir, edit, signer);
const both = ['signature_forged', 'signature_missing'];

const attacks: readonly Attack[] = [
  { name: 'nothing', make: change((line) => line), codes: [] },
  { name: 'a decision turned round', make: change(denied), codes: both },
  { name: 'all signatures taken away', make: change((line) => denied(unsigned(line))), codes: ['signature_missing'] },
  {
    name: 'the last signature taken away',
    make: change((line) => (line.includes('"final":true') ? unsigned(line) : line)),
    codes: ['signature_missing'],
  },
  {
    name: 'signed anew by a CA of the same name',
    make: change((line) => denied(unsigned(line)), attackers.stranger),
    codes: both,
  },
  {
    name: 'signed anew by a neighbour, where the signer is named',
    make: change((line) => denied(unsigned(line)), attackers.neighbour),
    asked: { signer: [own] },
    codes: both,
  },
  {
    name: 'the interval made longer',
    make: change((line) => line.replace('"every_ms":60000', '"every_ms":90000')),
    codes: both,
  },
  { name: 'the value changed', make: change((line) => line.replace(/"value":"../, '"value":"AA')), codes: both },
  {
    name: 'a space in the signature',
    make: change((line) => line.replace('"every_ms":', '"every_ms": ')),
    codes: both,
  },
  {
    name: 'a signature that is none',
    make: change((line) => line.replace(/"signature":\{[^}]*\}/, '"signature":7')),
    codes: both,
  },
  {
    name: 'certificates that are none',
    make: change((line) => line.replace(/"certificates":\["[^"]*/, '"certificates":["AAAA')),
    codes: both,
  },
  {
    name: 'no certificate',
    make: change((line) => line.replace(/"certificates":\[[^\]]*\]/, '"certificates":[]')),
    codes: both,
  },
];

for (const { name, make, asked, codes } of attacks) {
  test(`rewritten with right hashes: ${name}: ${codes.join(', ') || 'is as good'}`, async (t) => {
    const { dir } = await writeSigned(t, await leafOf(own), async () => {});
    await make(dir);
    assert.equal((await verifyJournal(dir)).intact, true, 'the hashes alone are right');
    assert.deepEqual((await verified(dir, asked)).codes, codes);
  });
}

test('a bundle of another trust domain, or another authority, does not vouch; a neighbour is told as the signer', async (t) => {
  const { dir } = await writeSigned(t, await leafOf(own), async () => {});
  assert.deepEqual((await verified(dir, { domain: 'stage.acme.com' })).codes, both);
  assert.deepEqual((await verified(dir, { authority: otherCa })).codes, both);
  await rewrite(dir, unsigned, attackers.neighbour);
  assert.deepEqual(await verified(dir), { ...good, signers: ['spiffe://prod.acme.com/neighbour'] });
});

test('a bundle must name its trust domain, and a signer needs a bundle', async () => {
  const io = { cwd: '/' } as CliIo;
  await assert.rejects(signatureJudge({ bundle: ['bundle.pem'], signer: [] }, io), { code: 'ERR_USAGE' });
  await assert.rejects(signatureJudge({ bundle: [], signer: [own] }, io), { code: 'ERR_USAGE' });
  assert.equal(await signatureJudge({ bundle: [], signer: [] }, io), null);
});
