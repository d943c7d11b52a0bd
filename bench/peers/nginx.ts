// nginx with one worker. It has no policy of its own for SPIFFE IDs; a map over the subject stands in for one.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '../child-process.ts';
import { output } from '../machine.ts';
import type { Peer, PeerSetting } from './peer.ts';

export const nginx: Peer = {
  name: 'nginx',
  note: '1 worker, buffered JSON access log, a map over the subject for policy',
  version: () => /nginx\/(\S+)/.exec(output('nginx', ['-v']) ?? '')?.[1] ?? null,
  start: (setting) => {
    const file = join(setting.dir, 'nginx.conf');
    writeFileSync(file, configuration(setting));
    return startProcess({
      command: 'nginx',
      args: ['-p', setting.dir, '-e', join(setting.dir, 'error.log'), '-c', file],
      core: setting.core,
      logFile: join(setting.dir, 'output.log'),
    });
  },
};

function configuration(setting: PeerSetting): string {
  const { dir, certificates } = setting;
  return `
daemon off;
user root;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log error;
events { worker_connections 8192; }
http {
  log_format json escape=json '{"time":"$time_iso8601","decision":"allow","peer":"$ssl_client_s_dn","serial":"$ssl_client_serial",'
    '"fingerprint":"$ssl_client_fingerprint","method":"$request_method","path":"$uri","host":"$host","status":$status,'
    '"bytes":$body_bytes_sent,"seconds":$request_time,"request_id":"$http_x_request_id","traceparent":"$http_traceparent",'
    '"source":"$remote_addr:$remote_port","tls":"$ssl_protocol","cipher":"$ssl_cipher"}';
  access_log ${dir}/access.log json buffer=64k flush=1s;
  map $ssl_client_s_dn $refused { default 1; "CN=caller" 0; }
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  upstream workload { server 127.0.0.1:${setting.workloadPort}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${setting.listenPort} ssl backlog=4096;
    ssl_certificate ${certificates.workload.cert};
    ssl_certificate_key ${certificates.workload.key};
    ssl_client_certificate ${certificates.ca};
    ssl_verify_client on;
    ssl_protocols TLSv1.3;
    ssl_session_cache off;
    ssl_session_tickets off;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    location / {
      if ($refused) { return 403; }
      proxy_pass http://workload;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-Client-Cert "Hash=$ssl_client_fingerprint;Subject=\\"$ssl_client_s_dn\\"";
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }
  }
}
`;
}
