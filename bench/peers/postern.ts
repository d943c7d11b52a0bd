// Postern as it ships, with everything on: the seed policy, the record of each decision in the journal before the request
// goes on, metrics, admin listener. Only the copy of the records on stdout is off, as the peers write one log too.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProcess } from '../child-process.ts';
import { output } from '../machine.ts';
import type { Peer, PeerSetting } from './peer.ts';
import { seedPolicy } from './seed-policy.ts';

const entry = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export const postern: Peer = {
  name: 'postern',
  note: 'everything on: seed policy, journal before forwarding, metrics',
  version: () => output('git', ['describe', '--always', '--dirty']),
  start: (setting) => {
    const file = join(setting.dir, 'postern.yaml');
    writeFileSync(join(setting.dir, 'policy.yaml'), seedPolicy);
    writeFileSync(file, configuration(setting));
    return startProcess({
      command: process.execPath,
      args: [...posternNodeArguments(), entry, 'run', '-c', file],
      core: setting.core,
      logFile: join(setting.dir, 'output.log'),
      cwd: setting.dir,
    });
  },
};

/** Arguments for Node itself, such as `--cpu-prof`, from POSTERN_NODE_ARGS. */
function posternNodeArguments(): string[] {
  return (process.env['POSTERN_NODE_ARGS'] ?? '').split(' ').filter((argument) => argument !== '');
}

function configuration(setting: PeerSetting): string {
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
inbound:
  - name: api
    listen: 127.0.0.1:${setting.listenPort}
    protocol: http
    forward: http://127.0.0.1:${setting.workloadPort}
    action: auto
    routes:
      - match: { path: "/topics/{topic}", method: [POST] }
        resource: { type: message_queue, topic: "{topic}" }
        action: publish
      - match: { path: "/accounts/{account}" }
        resource: { type: database, name: payments_db }
      - match: { path: "/bulk/{size}" }
        resource: { type: database, name: payments_db }
policy:
  paths: [policy.yaml]
audit:
  journal: { dir: journal }
  stdout: off
admin:
  listen: 127.0.0.1:${setting.adminPort}
shutdown: { drain: 0s }
`;
}
