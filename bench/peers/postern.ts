// Postern as it ships, with everything on: the seed policy, the record of each decision in the journal before the request
// goes on, metrics, admin listener. Only the copy of the records on stdout is off, as the peers write one log too.

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shippedEntry } from '../../scripts/shipped-form.ts';
import { type RunningProcess, startProcess } from '../child-process.ts';
import { output } from '../machine.ts';
import type { Peer, PeerSetting } from './peer.ts';
import { seedPolicy } from './seed-policy.ts';

const ownCheckout = fileURLToPath(new URL('../..', import.meta.url));

export const postern: Peer = {
  name: 'postern',
  note: 'everything on: seed policy, journal before forwarding, metrics',
  relays: true,
  speaksHttp2: true,
  // An unpacked archive has no commit, and is measured all the same.
  version: () => output('git', ['describe', '--always', '--dirty']) ?? 'unknown',
  start: (setting) => start(setting, ownCheckout),
};

/** The same with further lines of `audit:`. */
export function posternWith(audit: string): Peer {
  return { ...postern, start: (setting) => start(setting, ownCheckout, audit) };
}

/** Another checkout, such as the commit before a change, measured beside this one: POSTERN_BASE names its folder. */
export const posternBase: Peer = {
  name: 'postern-base',
  note: 'the checkout in POSTERN_BASE',
  relays: true,
  speaksHttp2: true,
  version: () =>
    baseDir === undefined ? null : (output('git', ['-C', baseDir, 'describe', '--always', '--dirty']) ?? 'unknown'),
  start: (setting) => start(setting, baseDir ?? ''),
};

const baseDir = process.env['POSTERN_BASE'];

/** Arguments for Node itself, such as `--cpu-prof`, come from POSTERN_NODE_ARGS. */
function start(setting: PeerSetting, checkout: string, audit = ''): RunningProcess {
  const form = checkout === ownCheckout ? 'shipped' : 'shipped-base';
  const entry = shippedEntry(checkout, join(dirname(setting.dir), form));
  const file = join(setting.dir, 'postern.yaml');
  writeFileSync(join(setting.dir, 'policy.yaml'), seedPolicy);
  writeFileSync(file, configuration(setting, audit));
  return startProcess({
    command: process.execPath,
    args: [entry, 'run', '-c', file],
    env: { ...process.env, NODE_OPTIONS: process.env['POSTERN_NODE_ARGS'] ?? '' },
    core: setting.core,
    logFile: join(setting.dir, 'output.log'),
    cwd: setting.dir,
  });
}

function configuration(setting: PeerSetting, audit: string): string {
  const { certificates } = setting;
  return `
version: 1
identity:
  source: files
  files:
    cert: ${certificates.workload.cert}
    key: ${certificates.workload.key}
    bundle: ${certificates.ca}
  attributes:
    - match: spiffe://{environment}.acme.com/ns/{namespace}/{service}
      set: { attestation: k8s_sat }
${inbound(setting)}
policy:
  paths: [policy.yaml]
audit:
  journal: { dir: journal }
  stdout: off
${audit}admin:
  listen: 127.0.0.1:${setting.adminPort}
shutdown: { drain: 0s }
`;
}

function inbound({ listenPort, workloadPort, protocol }: PeerSetting): string {
  if (protocol === 'tcp') {
    return `inbound:
  - name: api
    listen: 127.0.0.1:${listenPort}
    protocol: tcp
    forward: tcp://127.0.0.1:${workloadPort}
    resource: { type: database, name: payments_db }
    action: [read, write]`;
  }
  // A call of gRPC has actions of its own, which the seed policy does not know.
  const way =
    protocol === 'http2'
      ? `http2: on\n    forward: h2c://127.0.0.1:${workloadPort}\n    action: read`
      : `forward: http://127.0.0.1:${workloadPort}\n    action: auto`;
  return `inbound:
  - name: api
    listen: 127.0.0.1:${listenPort}
    protocol: http
    ${way}
    routes:
      - match: { path: "/topics/{topic}", method: [POST] }
        resource: { type: message_queue, topic: "{topic}" }
        action: publish
      - match: { path: "/accounts/{account}" }
        resource: { type: database, name: payments_db }
      - match: { path: "/bulk/{size}" }
        resource: { type: database, name: payments_db }`;
}
