// What cannot hold together in further trust domains and the own bundle endpoint.

import { formatAddress } from '../lib/socket-address.ts';
import type { InboundOptions } from '../proxy/inbound-options.ts';
import type { AdminConfig } from './admin-section.ts';
import { type Conflict, conflict } from './conflict.ts';
import { type FederationEntry, lacksFirstBundle } from './federation-section.ts';
import type { IdentityConfig } from './identity-section.ts';
import { isSameSocket } from './socket-address.ts';

/** The sections that parsed; the others are undefined. */
export interface FederationSections {
  readonly identity?: IdentityConfig | undefined;
  readonly inbound?: readonly InboundOptions[] | undefined;
  readonly admin?: AdminConfig | undefined;
  readonly workers?: number | 'auto' | undefined;
}

export function federationConflicts(sections: FederationSections): Conflict[] {
  const { identity } = sections;
  if (identity === undefined) return [];
  const { federation } = identity;
  return [
    ...federation.flatMap((entry, at) => listedTwice(federation, entry, at)),
    // An agent may give the first bundle.
    ...(identity.source === 'workload-api' ? [] : federation.flatMap(withoutFirstBundle)),
    ...endpointCollisions(sections),
  ];
}

function listedTwice(all: readonly FederationEntry[], { trustDomain }: FederationEntry, at: number): Conflict[] {
  const first = all.findIndex((other) => other.trustDomain === trustDomain);
  if (first === at) return [];
  const message = `the trust domain \`${trustDomain}\` is that of \`federation[${first}]\``;
  return [conflict(message, 'list each trust domain once', ['identity', 'federation', at, 'trust_domain'])];
}

function withoutFirstBundle(entry: FederationEntry, at: number): Conflict[] {
  if (!lacksFirstBundle(entry)) return [];
  const message = `the endpoint of \`${entry.trustDomain}\` is known by the very bundle that it serves`;
  const mend = 'add `file` with a bundle that the partner gave you, for the first fetch';
  return [conflict(message, mend, ['identity', 'federation', at, 'bundle'])];
}

function endpointCollisions({ identity, inbound = [], admin, workers = 1 }: FederationSections): Conflict[] {
  const listen = identity?.bundleEndpoint?.listen;
  if (listen === undefined) return [];
  const place = ['identity', 'bundle_endpoint', 'listen'];
  const listener = inbound.find((one) => isSameSocket(one.listen, listen));
  const own = [admin?.listen, admin?.probes].find((one) => one !== undefined && isSameSocket(one, listen));
  const holder = listener !== undefined ? `the listener \`${listener.name}\`` : own && 'the admin API or its probes';
  const message = `\`${formatAddress(listen)}\` is taken by ${holder}`;
  const isFree = listen.kind === 'tcp' && listen.port === 0;
  return [
    ...(holder === undefined ? [] : [conflict(message, 'give the bundle endpoint its own address', place)]),
    ...(isFree && workers !== 1
      ? [conflict('each worker would get a free port of its own', 'write a port, or `workers: 1`', place)]
      : []),
  ];
}
