// A caller's sidecar before three ways to one workload that fail in turn, and callers that judge what comes of it.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CallingWorld } from './calling-world.ts';
import { ChaosCalls, CountingWorkload, seededRandom } from './chaos-calls.ts';
import { ChaosRelay, type RelayMode } from './chaos-relay.ts';
import { waitFor } from './wait-for.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** What the relays do, one after the other; each lasts until `stepCalls` calls have ended, and `stepMs`. */
  readonly steps: readonly (readonly RelayMode[])[];
  readonly stepMs: number;
  readonly stepCalls: number;
  readonly senders: number;
  /** Of all connections, those that are cut somewhere; of all calls, those that the workload breaks off. */
  readonly cutShare: number;
  readonly brokenShare: number;
  /** Another sidecar on the way in; without, the workload speaks mutual TLS itself. */
  readonly isBothWays: boolean;
  readonly onStep?: (step: number, running: { readonly calls: ChaosCalls; readonly world: CallingWorld }) => void;
}

type Scope = { after(fn: () => Promise<void> | void): void };

/** (retries + 1) x (connect + handshake + response), and what a busy machine takes. */
const limitMs = 2 * (500 + 1_500 + 1_000) + 14_000;

/** Runs all steps; gives the callers, with their faults, after every call has ended. */
export async function callsInChaos(scope: Scope, options: ChaosOptions) {
  const random = seededRandom(options.seed);
  const workload = new CountingWorkload(random);
  workload.brokenShare = options.brokenShare;
  const plain = await listening(scope, http.createServer(workload.answer));
  const relays: ChaosRelay[] = [];
  const world = await CallingWorld.create(
    scope,
    { workloadPort: plain, startsServer: options.isBothWays },
    async (_, mesh) => {
      const target = options.isBothWays ? mesh.port : await listening(scope, mutualTls(mesh.dir, workload));
      for (let at = 0; at < 3; at++) {
        const relay = await ChaosRelay.start({ target, random, cutShare: options.cutShare });
        scope.after(() => relay.stop());
        relays.push(relay);
      }
      const to = relays.map(({ port }) => `127.0.0.1:${port}`).join(', ');
      return {
        calls: `to: [${to}], accept: ["spiffe://prod.acme.com/ns/payments/*"], balance: least_requests,
      limits: { connect: 500ms, handshake: 1500ms, response: 1s }, ejection: { first: 200ms, most: 1s, slow_start: 500ms }`,
      };
    },
  );
  const calls = new ChaosCalls({ port: world.ports['calls']!, senders: options.senders, random, limitMs }).start();
  for (const [step, modes] of options.steps.entries()) {
    options.onStep?.(step, { calls, world });
    for (const [at, relay] of relays.entries()) relay.mode = modes[at] ?? 'pass';
    const until = calls.count + options.stepCalls;
    await pause(options.stepMs);
    await waitFor('calls to end', () => calls.count >= until, 60_000);
  }
  for (const relay of relays) relay.mode = 'pass';
  await calls.stop(workload.arrivals);
  return { calls, world, workload, relays };
}

function mutualTls(dir: string, workload: CountingWorkload): https.Server {
  const read = (name: string): string => readFileSync(path.join(dir, name), 'utf8');
  const options = { cert: read('tls.crt'), key: read('tls.key'), ca: read('bundle.pem'), requestCert: true };
  return https.createServer(options, workload.answer);
}

async function listening(scope: Scope, server: http.Server | https.Server): Promise<number> {
  server.on('clientError', (_, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
