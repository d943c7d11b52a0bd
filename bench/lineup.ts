// One run's proxies side by side: the workload, the certificates and every peer asked for, started and ready. Peers that
// wait cost nothing, so all can share the proxy's core while one of them is measured.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../src/demo/free-port.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { firstLine, type RunningProcess, startNode, until } from './child-process.ts';
import { exchange } from './load/closed-loop.ts';
import { Http2Connection, smallGetFields } from './load/http2-connection.ts';
import type { Target } from './load/load-job.ts';
import { createDialer } from './load/raw-connection.ts';
import type { CorePlan } from './machine.ts';
import { type Peer, type PeerName, type PeerSetting, pidsOf, targetOf } from './peers/peer.ts';

const workloadEntry = fileURLToPath(new URL('./workload.ts', import.meta.url));

/** The stage on which peers are measured. */
export interface Stage {
  readonly dir: string;
  readonly certificates: Certificates;
  readonly cores: CorePlan;
  readonly workloadPort: number;
  /** The call without a proxy: plain text, straight to the workload. */
  readonly direct: Target;
  close(): Promise<void>;
}

/** A peer that is ready. */
export interface Contestant {
  readonly name: PeerName;
  readonly target: Target;
  /** Milliseconds from the start of its process to its first answer. */
  readonly readyMs: number;
  pids(): number[];
  stop(): Promise<void>;
}

export async function openStage(cores: CorePlan): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const workload = startNode(workloadEntry, [], cores.workload);
  const workloadPort = Number(await firstLine(workload));
  return {
    dir,
    certificates: makeCertificates(dir),
    cores,
    workloadPort,
    direct: { host: '127.0.0.1', port: workloadPort, tls: null },
    close: async () => {
      await workload.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

let folderNumber = 0;

/** Starts `peer` and waits until it answers an authorized request. */
export async function enter(stage: Stage, peer: Peer, protocol: PeerSetting['protocol'] = 'http'): Promise<Contestant> {
  const setting = { ...(await settingFor(stage, peer)), protocol };
  const target = targetOf(setting);
  const startedMs = performance.now();
  const running = peer.start(setting);
  try {
    await until(`${peer.name} to answer`, () => answers(target, running, protocol));
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    name: peer.name,
    target,
    readyMs: performance.now() - startedMs,
    pids: () => pidsOf(running),
    stop: () => running.stop(),
  };
}

/** A folder and ports of its own. */
export async function settingFor(stage: Stage, peer: Peer): Promise<PeerSetting> {
  folderNumber += 1;
  const dir = join(stage.dir, `${peer.name}-${folderNumber}`);
  mkdirSync(dir);
  return {
    dir,
    certificates: stage.certificates,
    listenPort: await freePort(),
    adminPort: await freePort(),
    workloadPort: stage.workloadPort,
    core: stage.cores.proxy,
    protocol: 'http',
  };
}

/** True when an mTLS request with the caller's SVID is answered with 200. Throws when the process has ended. */
async function answers(target: Target, running: RunningProcess, protocol: PeerSetting['protocol']): Promise<boolean> {
  if (running.ended()) throw new Error(`${running.child.spawnargs.join(' ')} has ended: ${running.lastWords()}`);
  try {
    if (protocol === 'http2') {
      await answersHttp2(target);
      return true;
    }
    const connection = await createDialer(target).open();
    await exchange([connection], 1);
    connection.close();
    return true;
  } catch {
    return false;
  }
}

async function answersHttp2(target: Target): Promise<void> {
  const connection = await Http2Connection.open(target);
  await new Promise<void>((resolve, reject) => {
    connection.onFailure = reject;
    connection.ask(smallGetFields, true, resolve);
  });
  connection.close();
}
