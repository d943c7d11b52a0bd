// Health paths of the workload (`health_passthrough`) that could not be passed on, or not to one workload.

import { isOwnPath } from '../admin/own-paths.ts';
import { formatAddress } from '../lib/socket-address.ts';
import type { InboundOptions } from '../proxy/inbound-options.ts';
import { type Conflict, conflict } from './conflict.ts';

export function healthPathConflicts(inbound: readonly InboundOptions[]): Conflict[] {
  return inbound.flatMap((listener, at) =>
    listener.healthPassthrough.flatMap((path, row) => {
      const fault = isOwnPath(path) ? ownPath(path) : takenPath(path, listener, inbound.slice(0, at));
      return fault === null ? [] : [conflict(...fault, ['inbound', at, 'health_passthrough', row])];
    }),
  );
}

type Fault = readonly [message: string, mend: string];

/** An operator who reads of a sidecar that is well, and takes it for the workload, is told a lie. */
function ownPath(path: string): Fault {
  const message = `\`${path}\` is an endpoint of the admin API, which answers it itself`;
  return [message, 'name the path that the workload answers with its own health, such as `/healthz`'];
}

function takenPath(path: string, { forward }: InboundOptions, earlier: readonly InboundOptions[]): Fault | null {
  const first = earlier.find((other) => other.healthPassthrough.includes(path));
  if (first === undefined || formatAddress(first.forward) === formatAddress(forward)) return null;
  const message = `\`${path}\` is asked of the workload of the listener \`${first.name}\``;
  return [message, 'the admin API has one answer for a path: give the workloads different ones, or name it once'];
}
