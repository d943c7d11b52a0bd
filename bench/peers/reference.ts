// The built-in references as peers; always there.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNode } from '../child-process.ts';
import type { ReferenceOptions } from '../reference-forwarder.ts';
import type { Peer } from './peer.ts';

const entry = fileURLToPath(new URL('../reference-forwarder.ts', import.meta.url));

export const nodeHttps: Peer = reference('node-https', "Node's own https server and http client, a log line a request");
export const tcpRelay: Peer = reference('tcp-relay', 'ends TLS and copies bytes; sees no HTTP, decides nothing');

function reference(kind: ReferenceOptions['kind'], note: string): Peer {
  return {
    name: kind,
    note,
    version: () => process.version,
    start: (setting) => {
      const options: ReferenceOptions = {
        kind,
        ca: setting.certificates.ca,
        cert: setting.certificates.workload.cert,
        key: setting.certificates.workload.key,
        listenPort: setting.listenPort,
        workloadPort: setting.workloadPort,
        logFile: join(setting.dir, 'access.log'),
        callerId: setting.certificates.callerId,
      };
      return startNode(entry, [JSON.stringify(options)], setting.core);
    },
  };
}
