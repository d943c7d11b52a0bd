// The sidecar of the soak as a process of its own, its callers' certificates, and what an operator does to it in a day.

import { renameSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { Mesh, openPolicy } from '../../test/harness/mesh.ts';
import type { SidecarProcess } from '../../test/harness/sidecar-process.ts';
import { waitFor } from '../../test/harness/wait-for.ts';
import { SoakWorkload } from './workload.ts';

/** Different callers: what is kept for each must not grow with their requests. */
const callerCount = 24;
/** Room of the journal; a day writes many times as much. */
export const journalKeepMb = 16;

// Limits that end what is slow are shortened as the day is.
const limits = '    limits: { handshake: 3s, header: 3s, idle: 30s }\n';
const policy = openPolicy.replace('/**"', '/ns/**"');
const audit = `audit:\n  journal: { dir: journal, segment: 2MiB, keep: ${journalKeepMb}MiB }\n  stdout: off\n`;

export class SoakWorld {
  readonly mesh: Mesh;
  readonly sidecar: SidecarProcess;
  readonly workload: SoakWorkload;
  readonly contexts: readonly tls.SecureContext[];
  /** Of a caller whom the policy does not know. */
  readonly stranger: tls.SecureContext;
  #changes = 0;

  private constructor(parts: Pick<SoakWorld, 'mesh' | 'sidecar' | 'workload' | 'contexts' | 'stranger'>) {
    this.mesh = parts.mesh;
    this.sidecar = parts.sidecar;
    this.workload = parts.workload;
    this.contexts = parts.contexts;
    this.stranger = parts.stranger;
  }

  /** `scope` takes what is to be done when all is over. */
  static async start(scope: { after(fn: () => Promise<void> | void): void }): Promise<SoakWorld> {
    const workload = new SoakWorkload();
    await workload.start();
    scope.after(() => workload.stop());
    const mesh = await Mesh.create(scope, {
      workloadPort: workload.port,
      policy,
      inbound: limits,
      sections: { audit },
    });
    const sidecar = await mesh.start(scope);
    const contextOf = async (id: string): Promise<tls.SecureContext> => {
      const credentials = await mesh.caller(`spiffe://prod.acme.com/${id}`, 86_400_000);
      return tls.createSecureContext({ ...credentials, minVersion: 'TLSv1.3' });
    };
    const contexts: tls.SecureContext[] = [];
    for (let at = 0; at < callerCount; at++) contexts.push(await contextOf(`ns/n${at % 5}/caller-${at}`));
    return new SoakWorld({ mesh, sidecar, workload, contexts, stranger: await contextOf('elsewhere/stranger') });
  }

  get journalDir(): string {
    return path.join(this.mesh.dir, 'journal');
  }

  /** A new certificate and key for the sidecar, written as an agent writes them; over when they are in force. */
  async rotate(): Promise<void> {
    const before = await this.sidecar.metric('postern_identity_rotations_total');
    const svid = await this.mesh.ca.issue({
      spiffeId: 'spiffe://prod.acme.com/ns/payments/server',
      dnsNames: ['localhost'],
    });
    this.#replace('tls.key', svid.keyPem);
    this.#replace('tls.crt', svid.certChainPem);
    const rotations = (): Promise<number> => this.sidecar.metric('postern_identity_rotations_total');
    await waitFor('the new SVID', async () => (await rotations()) > before, 60_000);
  }

  /** A policy that differs; over when it is in force. */
  async changePolicy(): Promise<void> {
    const name = `change-${++this.#changes}`;
    this.#replace(path.relative(this.mesh.dir, this.mesh.policyFile), policy.replace('name: all', `name: ${name}`));
    await waitFor('the new policy', async () => (await this.sidecar.admin('/policy')).body.includes(name), 60_000);
  }

  async restartWorkload(): Promise<void> {
    await this.workload.stop();
    await this.workload.start();
  }

  #replace(name: string, text: string): void {
    this.mesh.put(`${name}.new`, text);
    const file = path.join(this.mesh.dir, name);
    renameSync(`${file}.new`, file);
  }
}
