// `npm run testssl`: a scan of an inbound port by testssl.sh with every check that it has, which takes some minutes of
// a machine with nothing else to do: its own patience with slow answers ends in findings. What must not be spoken is held
// in `npm test` by test/e2e/only-tls-1-3-is-spoken.test.ts.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Mesh } from '../harness/mesh.ts';
import { RawPeer } from '../harness/raw-peer.ts';
import { RecordingWorkload } from '../harness/recording-workload.ts';
import { runTestssl, type TestsslFinding } from '../harness/testssl.ts';
import { waitFor } from '../harness/wait-for.ts';
import { requireTool } from '../require-tool.ts';

const minuteMs = 60_000;

/** Findings that are no fault; SECURITY.md gives the reason of each. */
const expected: ReadonlySet<string> = new Set([
  'cert_expirationStatus',
  'cert_notAfter',
  'cert_revocation',
  'engine_problem',
]);

/** What must stand in the report, so that a scan that looked at nothing is no proof. */
const required: readonly (readonly [id: string, finding: RegExp])[] = [
  ['SSLv2', /^not offered/],
  ['SSLv3', /^not offered/],
  ['TLS1', /^not offered/],
  ['TLS1_1', /^not offered/],
  ['TLS1_2', /^not offered/],
  ['TLS1_3', /^offered with final/],
  ['ALPN', /^http\/1\.1$/],
  ...['NULL', 'aNULL', 'EXPORT', 'LOW', '3DES_IDEA', 'AVERAGE'].map(
    (group) => [`cipherlist_${group}`, /^not offered/] as const,
  ),
  ['PFS', /^offered/],
  ['sessionresumption_ticket', /^not supported/],
  ['sessionresumption_ID', /no resumption/],
  ['cert_trust', /^Ok via SAN/],
  ['cert_chain_of_trust', /^passed/],
  ['certs_countServer', /^2$/],
  ['secure_renego', /TLS 1\.3 only/],
  ['secure_client_renego', /not vulnerable/],
  ['CRIME_TLS', /TLS 1\.3 only|not vulnerable/],
  ['cipher_negotiated', /^TLS_AES_256_GCM_SHA384/],
  ...['heartbleed', 'CCS', 'ROBOT', 'POODLE_SSL', 'FREAK', 'DROWN', 'LOGJAM', 'BEAST', 'LUCKY13', 'RC4'].map(
    (attack) => [attack, /not vulnerable/] as const,
  ),
];

function line({ id, severity, finding }: TestsslFinding): string {
  return `${severity} ${id}: ${finding}`;
}

/** The scanner gives up when its own openssl takes too long on a busy machine, and says so; then it scans again. */
async function wholeScan(
  scan: (dir: string) => Promise<readonly TestsslFinding[]>,
): Promise<readonly TestsslFinding[]> {
  for (let attempt = 1; ; attempt += 1) {
    const dir = mkdtempSync(path.join(tmpdir(), 'postern-scan-'));
    try {
      const findings = await scan(dir);
      const isInterrupted = findings.some(({ id, finding }) => id === 'scanTime' && /interrupted/i.test(finding));
      if (!isInterrupted || attempt === 3) return findings;
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
}

test('a stranger who scans the port finds nothing red beyond what short-lived certificates show', {
  timeout: 30 * minuteMs,
}, async (t) => {
  const program = requireTool(t, 'testssl');
  if (program === null) return;
  const workload = await RecordingWorkload.start();
  t.after(() => workload.stop());
  const mesh = await Mesh.create(t, { workloadPort: workload.port });
  const sidecar = await mesh.start(t);
  const caFile = mesh.put('scan-ca.pem', mesh.ca.bundlePem);
  const findings = await wholeScan((dir) => runTestssl({ program, port: mesh.port, caFile, dir, signal: t.signal }));

  const bad = findings.filter(({ severity }) => !['OK', 'INFO', 'DEBUG'].includes(severity));
  assert.deepEqual(bad.filter(({ id }) => !expected.has(id)).map(line), []);
  for (const [id, finding] of required) {
    const found = findings.filter((one) => one.id === id);
    assert.ok(found.length > 0, `the scan says nothing of ${id}`);
    for (const one of found) assert.match(one.finding, finding, line(one));
  }
  t.diagnostic(`${findings.length} findings, of them expected: ${bad.map(line).join('; ')}`);

  const peer = RawPeer.connect(mesh.port, await mesh.caller());
  t.after(() => peer.close());
  peer.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await waitFor('a caller to be served after the scan', () => peer.received.startsWith('HTTP/1.1 200'));
  assert.equal(workload.heads.length, 1, 'no byte of the scan reached the workload');
  assert.equal(sidecar.exit, null);
});

test('each expected finding has its reason in SECURITY.md', () => {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../SECURITY.md'), 'utf8');
  const missing = [...expected].filter((id) => !text.includes(`\`${id}\``));
  assert.deepEqual(missing, []);
});
