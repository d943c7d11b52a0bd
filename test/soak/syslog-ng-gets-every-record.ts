// `npm run syslog-ng`: what the test against rsyslog does, against syslog-ng as docs/siem.md sets it up. Debian installs one syslog server only, so the
// packages are unpacked beside it.

import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { getsEveryRecord, type SyslogPorts, shownConfig } from '../harness/syslog-world.ts';
import { findTool, requireFile, requireTool } from '../require-tool.ts';

const run = promisify(execFile);
const cache = resolve(import.meta.dirname, '../../node_modules/.cache/syslog-ng');
const packages = ['syslog-ng-core', 'libivykis0', 'libnet1', 'libjson-c5'];

/** The folder that holds usr/sbin/syslog-ng. */
async function unpacked(): Promise<string> {
  const root = join(cache, 'root');
  if (findTool('syslog-ng', join(root, 'usr/sbin')) !== null) return root;
  mkdirSync(cache, { recursive: true });
  await run(
    'sh',
    ['-c', `apt-get download -qq ${packages.join(' ')} && for one in *.deb; do dpkg -x "$one" root; done`],
    {
      cwd: cache,
    },
  );
  return root;
}

/** The configuration of docs/siem.md, with sources for TCP and UDP. */
function configOf(dir: string, ports: SyslogPorts): string {
  const way = (name: 'tcp' | 'udp'): string => `log {
  source { syslog(transport("${name}") ip("127.0.0.1") port(${ports[name]}) flags(store-raw-message)); };
  destination { file("${join(dir, name)}" template("\${RAWMSG}\\n")); };
  flags(flow-control);
};
`;
  return shownConfig('@version: 3.35', dir, ports) + way('tcp') + way('udp');
}

test('syslog-ng gets every record over TLS, TCP and UDP, also when it is killed and started again', async (t) => {
  if (requireTool(t, 'apt-get') === null) return;
  const root = await unpacked();
  const program = requireFile(t, join(root, 'usr/sbin/syslog-ng'), 'syslog-ng');
  const modules = requireFile(t, join(root, 'usr/lib/syslog-ng/3.*'), 'modules of syslog-ng');
  const libraries = requireFile(t, join(root, 'usr/lib/*-linux-gnu'), 'libraries of syslog-ng');
  if (program === null || modules === null || libraries === null) return;
  const args = (dir: string) => [
    ...['-F', '--no-caps', `--module-path=${modules}`, '-f', join(dir, 'server.conf')],
    ...['-R', join(dir, 'persist'), '-c', join(dir, 'control'), '-p', join(dir, 'pid')],
  ];
  const env = { LD_LIBRARY_PATH: `${libraries}:${join(root, 'usr/lib/syslog-ng')}` };
  await getsEveryRecord(t, { program, args, env, config: configOf });
});
