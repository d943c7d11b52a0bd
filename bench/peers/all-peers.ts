// Every peer that the benches know, in the order of the tables.

import { envoy } from './envoy.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import type { Peer } from './peer.ts';
import { postern, posternBase } from './postern.ts';
import { nodeHttps, tcpRelay } from './reference.ts';

export const allPeers: readonly Peer[] = [postern, posternBase, nginx, haproxy, envoy, nodeHttps, tcpRelay];
