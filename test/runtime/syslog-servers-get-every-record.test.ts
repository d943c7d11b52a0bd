// Sinks of type `syslog` against rsyslog, as docs/siem.md sets it up, and against servers in other moods. `npm run syslog-ng` does the first with
// syslog-ng, which Debian does not install beside rsyslog.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { SyslogReceiver } from '../../src/audit/sinks/syslog-receiver.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { getsEveryRecord, type SyslogPorts, shownConfig } from '../harness/syslog-world.ts';
import { requireFile, requireTool } from '../require-tool.ts';

/** The configuration of docs/siem.md, with inputs for TCP and UDP. */
function rsyslogConfig(dir: string, ports: SyslogPorts): string {
  const file = (name: string): string =>
    `ruleset(name="${name}" queue.type="Direct") { action(type="omfile" file="${join(dir, name)}" template="raw") }\n`;
  return shownConfig('# /etc/rsyslog.d/postern.conf', dir, ports)
    .concat(file('tcp'), file('udp'), 'module(load="imptcp")\nmodule(load="imudp")\n')
    .concat(`input(type="imptcp" port="${ports.tcp}" address="127.0.0.1" ruleset="tcp")\n`)
    .concat(`input(type="imudp" port="${ports.udp}" address="127.0.0.1" ruleset="udp")\n`);
}

test('rsyslog gets every record over TLS, TCP and UDP, also when it is killed and started again', async (t) => {
  const program = requireTool(t, 'rsyslogd');
  if (program === null || requireFile(t, '/usr/lib/*/rsyslog/lmnsd_ossl.so', 'rsyslog-openssl') === null) return;
  const args = (dir: string) => ['-n', '-f', join(dir, 'server.conf'), '-i', join(dir, 'pid')];
  await getsEveryRecord(t, { program, args, config: rsyslogConfig });
});

const moods: Readonly<Record<string, (socket: Socket) => void>> = {
  'closes at once': (socket) => void socket.end(),
  'resets what it has read': (socket) => void socket.once('data', () => socket.resetAndDestroy()),
  'closes when it has read a part': (socket) =>
    void socket.once('readable', () => socket.read(3) !== undefined && socket.destroy()),
  'never closes': (socket) => void socket.resume(),
};

for (const [what, mood] of Object.entries(moods)) {
  test(`a server over TCP that ${what} has not taken what it was sent`, async (t) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      mood(socket);
      t.after(() => void socket.destroy());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => void server.close());
    const { port } = server.address() as { port: number };
    const target = { transport: 'tcp', host: '127.0.0.1', port, isWhole: true, timeoutMs: 500 } as const;
    const receiver = new SyslogReceiver(target, () => assert.fail('no TLS'), systemClock);
    const source = { streamId: 's', seq: 1, line: '', record: {}, isGap: false, standsFor: null };
    const texts = Array.from({ length: 200 }, () => ({ source, text: 'x'.repeat(1_000) }));
    const { answer } = await receiver.send(texts, new AbortController().signal);
    assert.equal(answer.kind, 'later');
  });
}
