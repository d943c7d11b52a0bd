// The sidecar of the torture test, which is killed and started again.

import { setTimeout as pause } from 'node:timers/promises';
import type { Mesh } from '../../harness/mesh.ts';
import { SidecarProcess } from '../../harness/sidecar-process.ts';
import { waitFor } from '../../harness/wait-for.ts';

const sinkCount = /^postern_sink_lag_records\{[^}]*\} (\d+)/gm;

export class KilledSidecar {
  kills = 0;
  readonly #mesh: Mesh;
  #sidecar: SidecarProcess;

  private constructor(mesh: Mesh, sidecar: SidecarProcess) {
    this.#mesh = mesh;
    this.#sidecar = sidecar;
  }

  static async start(mesh: Mesh): Promise<KilledSidecar> {
    return new KilledSidecar(mesh, await SidecarProcess.start(mesh));
  }

  /** Kills it, and starts it again when `meanwhile` is over. */
  async restart(meanwhile: () => Promise<void>): Promise<void> {
    this.kills++;
    await this.#sidecar.kill();
    await meanwhile();
    this.#sidecar = await SidecarProcess.start(this.#mesh);
  }

  /** Starts it where it can perhaps not work, for a while. */
  async tryToServe(ms: number): Promise<void> {
    const sidecar = SidecarProcess.spawn(this.#mesh);
    await pause(ms);
    await sidecar.kill();
  }

  async end(): Promise<void> {
    await this.#sidecar.kill();
  }

  async ready(): Promise<void> {
    const isReady = async (): Promise<boolean> => (await this.#sidecar.admin('/readyz')).status === 200;
    await waitFor('Postern to serve again', isReady);
  }

  async hasNothingLeft(): Promise<boolean> {
    const lags = await this.#lags();
    return lags.length > 0 && lags.every((lag) => lag === 0);
  }

  async #lags(): Promise<readonly number[]> {
    const { body } = await this.#sidecar.admin('/metrics');
    return [...body.matchAll(sinkCount)].map(([, count]) => Number(count));
  }
}
