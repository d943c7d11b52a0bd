// `admin`, `shutdown`, `workers`: how the process runs, is watched and stopped.

import * as z from 'zod';
import { formatAddress } from '../lib/socket-address.ts';
import { count, duration, longestTimerMs, notYet, notYetError, refuse } from './fields.ts';
import { isLocal } from './socket-address.ts';
import { listenAddress } from './text-fields.ts';

/** `admin` as written and as parsed. */
export const adminSection = z
  .strictObject({
    listen: listenAddress()
      .prefault('127.0.0.1:9901')
      .describe('Where the admin API listens: loopback or a unix socket.'),
    probes: listenAddress()
      .optional()
      .describe(
        'Where a kubelet, which asks from outside the pod, gets `/livez`, `/readyz`, `/startupz` without details, and the paths of `health_passthrough`. Nothing else is served there.',
      ),
    allow: notYet('admin.allow').describe('SPIFFE IDs that may use the admin API over mutual TLS from elsewhere.'),
  })
  .superRefine((admin, context) => {
    if (isLocal(admin.listen)) return;
    const what = `an admin API on \`${formatAddress(admin.listen)}\` (with mutual TLS)`;
    refuse(context, notYetError(what, 'listen on 127.0.0.1, [::1] or a unix socket'), ['listen']);
  })
  .describe('Health, metrics, configuration, recent decisions. Never reachable through a proxied listener.');

/** `shutdown` as written and as parsed. */
export const shutdownSection = z
  .strictObject({
    drain: duration({ minMs: 0, maxMs: longestTimerMs })
      .prefault('30s')
      .describe('Time for requests in flight to end after SIGTERM.'),
  })
  .transform(({ drain }) => ({ drainMs: drain }))
  .describe('How the sidecar ends.');

/** `workers` as written and as parsed. */
export const workersField = z
  .union([z.literal('auto'), count(1, 1024)])
  .prefault(1)
  .describe('Processes that serve, each with connections and a journal stream of its own; `auto`: one for each core.');

export type AdminConfig = Readonly<z.output<typeof adminSection>>;
export type ShutdownConfig = Readonly<z.output<typeof shutdownSection>>;
