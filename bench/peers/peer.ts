// What a proxy must offer to be measured. All are given the same task: mutual TLS 1.3 with the caller's SVID required,
// the caller authorized, its identity passed on, one JSON log line a request in a file, kept connections upstream, one
// thread for the traffic, no session resumption.

import type { Certificates } from '../certificates.ts';
import type { RunningProcess } from '../child-process.ts';
import { processTree } from '../cpu-time.ts';
import type { Target } from '../load/load-job.ts';

export type PeerName = 'postern' | 'postern-base' | 'nginx' | 'haproxy' | 'envoy' | 'node-https' | 'tcp-relay';

/** What a peer is started with. */
export interface PeerSetting {
  /** Its own folder for configuration and logs. */
  readonly dir: string;
  readonly certificates: Certificates;
  readonly listenPort: number;
  /** For what a proxy serves beside traffic: health and metrics. */
  readonly adminPort: number;
  readonly workloadPort: number;
  readonly core: number | null;
  /** `tcp`: mutual TLS, and then octets as they come; `http2`: by ALPN, and without TLS to the workload. */
  readonly protocol: 'http' | 'tcp' | 'http2';
}

/** One kind of proxy. */
export interface Peer {
  readonly name: PeerName;
  /** What it is, in a few words, for the table. */
  readonly note: string;
  /** It can be started with `protocol: tcp`. */
  readonly relays?: true;
  /** It can be started with `protocol: http2`. */
  readonly speaksHttp2?: true;
  /** Its version, or null where it is not installed. */
  version(): string | null;
  /** Writes its configuration into `setting.dir` and starts it; it need not be ready yet. */
  start(setting: PeerSetting): RunningProcess;
}

/** The load's view of a proxy started with `setting`. */
export function targetOf(setting: PeerSetting): Target {
  const { cert, key } = setting.certificates.caller;
  return { host: '127.0.0.1', port: setting.listenPort, tls: { ca: setting.certificates.ca, cert, key } };
}

/** The processes that do a peer's work. */
export function pidsOf(running: RunningProcess): number[] {
  return processTree(running.pid);
}
