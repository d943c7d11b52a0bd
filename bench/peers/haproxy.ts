// HAProxy with one thread. Its log goes to its standard output, which is a file here. Like nginx it sees no URI SAN.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '../child-process.ts';
import { output } from '../machine.ts';
import type { Peer, PeerSetting } from './peer.ts';

export const haproxy: Peer = {
  name: 'haproxy',
  note: '1 thread, JSON log, a rule over the subject for policy',
  relays: true,
  version: () => /version (\S+)/.exec(output('haproxy', ['-v']) ?? '')?.[1] ?? null,
  start: (setting) => {
    const file = join(setting.dir, 'haproxy.cfg');
    writeFileSync(file, setting.protocol === 'tcp' ? relayConfiguration(setting) : configuration(setting));
    return startProcess({
      command: 'haproxy',
      args: ['-db', '-f', file],
      core: setting.core,
      logFile: join(setting.dir, 'access.log'),
    });
  },
};

function configuration(setting: PeerSetting): string {
  const { certificates } = setting;
  const logFields = [
    '"time":"%[date,utime(%Y-%m-%dT%H:%M:%S)]"',
    '"decision":"allow"',
    '"peer":"%[ssl_c_s_dn,json(utf8s)]"',
    '"serial":"%[ssl_c_serial,hex]"',
    '"fingerprint":"%[ssl_c_sha1,hex]"',
    '"method":"%HM"',
    '"path":"%[capture.req.uri,json(utf8s)]"',
    '"status":%ST',
    '"bytes":%B',
    '"ms":%Tt',
    '"request_id":"%[capture.req.hdr(0),json(utf8s)]"',
    '"traceparent":"%[capture.req.hdr(1),json(utf8s)]"',
    '"source":"%ci:%cp"',
    '"tls":"%sslv"',
    '"cipher":"%sslc"',
  ];
  return `
global
  nbthread 1
  maxconn 8192
  log stdout format raw local0
defaults
  mode http
  log global
  option http-keep-alive
  http-reuse always
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
frontend sidecar
  bind 127.0.0.1:${setting.listenPort} backlog 4096 ssl crt ${certificates.workload.both} ca-file ${certificates.ca} verify required ssl-min-ver TLSv1.3 no-tls-tickets alpn http/1.1
  declare capture request len 128
  declare capture request len 64
  http-request capture req.hdr(x-request-id) id 0
  http-request capture req.hdr(traceparent) id 1
  http-request deny unless { ssl_c_s_dn(CN) -m str caller }
  http-request set-header x-forwarded-client-cert Hash=%[ssl_c_sha1,hex];Subject="%[ssl_c_s_dn]"
  log-format '{${logFields.join(',')}}'
  default_backend workload
backend workload
  server workload 127.0.0.1:${setting.workloadPort} pool-max-conn 1024
`;
}

function relayConfiguration({ certificates, ...setting }: PeerSetting): string {
  const fields = '"peer":"%[ssl_c_s_dn,json(utf8s)]","in":%U,"out":%B,"ms":%Tt,"source":"%ci:%cp","tls":"%sslv"';
  return `
global
  nbthread 1
  maxconn 8192
  log stdout format raw local0
defaults
  mode tcp
  log global
  timeout connect 1s
  timeout client 1h
  timeout server 1h
frontend sidecar
  bind 127.0.0.1:${setting.listenPort} ssl crt ${certificates.workload.both} ca-file ${certificates.ca} verify required ssl-min-ver TLSv1.3 no-tls-tickets
  tcp-request content reject unless { ssl_c_s_dn(CN) -m str caller }
  log-format '{${fields}}'
  default_backend workload
backend workload
  server workload 127.0.0.1:${setting.workloadPort}
`;
}
