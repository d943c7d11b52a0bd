// Several processes that serve as one (`workers:`): this one serves nobody. It starts the workers, each a whole sidecar
// with a journal stream of its own on a shared port, starts those anew that end, and is the one to be asked and steered.

import type { PosternConfig } from '../config/postern-config.ts';
import { isPosternError, PosternError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { type FileWatch, watchFiles } from '../lib/file-watch.ts';
import { formatAddress } from '../lib/socket-address.ts';
import { TimerWheel } from '../lib/timer-wheel.ts';
import { refuseFixed } from '../runtime/fixed-settings.ts';
import type { SidecarEnvironment, SidecarPhase } from '../runtime/sidecar-parts.ts';
import { createOperationalLog, type OperationalLog } from '../telemetry/operational-log.ts';
import { endAll } from './end-all.ts';
import { reloadAll } from './group-reload.ts';
import { JoinedMetrics } from './joined-metrics.ts';
import { askAll } from './joined-views.ts';
import { probePorts } from './port-probe.ts';
import { openGroupAdmin } from './supervisor-admin.ts';
import type { ReloadCounts, RunningSupervisor } from './supervisor-parts.ts';
import type { WorkerFigures } from './worker-calls.ts';
import { workerConfig, workerCount } from './worker-config.ts';
import { WorkerOutput } from './worker-output.ts';
import { WorkerProcess } from './worker-process.ts';
import { WorkerSlot, watchDefaults } from './worker-slot.ts';

export interface SupervisorOptions {
  readonly environment: SidecarEnvironment;
  /** File that a worker process runs. */
  readonly workerEntry: string;
}

const startPatienceMs = 60_000;
const pollMs = 2_000;
const settleMs = 100;

export class Supervisor implements RunningSupervisor {
  readonly environment: SidecarEnvironment;
  readonly slots: readonly WorkerSlot[];
  readonly log: OperationalLog;
  readonly output = new WorkerOutput(systemClock);
  readonly metrics = new JoinedMetrics();
  readonly lastFigures = new Map<number, WorkerFigures>();
  readonly #entry: string;
  /** Processes that do not serve yet. */
  readonly #forked = new Map<number, WorkerProcess>();
  readonly #wheel: TimerWheel;
  readonly #ended = Promise.withResolvers<void>();
  #config: PosternConfig;
  #phase: SidecarPhase = 'starting';
  #counts: ReloadCounts;
  /** Of the policies in force. */
  #digest = '';
  /** Starts and reloads, one after the other: a worker starts under the one state or under the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #watch: FileWatch | null = null;
  #closeAdmin: () => Promise<void> = () => Promise.resolve();
  #stopping: Promise<boolean> | null = null;

  private constructor(config: PosternConfig, { environment, workerEntry }: SupervisorOptions) {
    this.#config = config;
    this.environment = environment;
    this.#entry = workerEntry;
    this.#counts = { loadedAtMs: systemClock.nowMs(), applied: 0, refused: 0, policyRefused: 0 };
    this.#wheel = new TimerWheel({ clock: systemClock, tickMs: 100, onError: (error) => this.#fault(error) });
    this.#wheel.start();
    const { logLevel: level, logFd: fd } = environment;
    this.log = createOperationalLog({ level, clock: systemClock, wheel: this.#wheel, fd });
    this.slots = Array.from({ length: workerCount(config) }, (_, number) => this.#slot(number));
  }

  /**
   * Starts everything; when it resolves, every worker serves.
   * @throws PosternError naming what could not be started and the mend
   */
  static async start(config: PosternConfig, options: SupervisorOptions): Promise<Supervisor> {
    const supervisor = new Supervisor(config, options);
    try {
      await supervisor.#start();
      return supervisor;
    } catch (error) {
      await supervisor.stop(0, AbortSignal.abort());
      throw error;
    }
  }

  get config(): PosternConfig {
    return this.#config;
  }

  get phase(): SidecarPhase {
    return this.#phase;
  }

  get counts(): ReloadCounts {
    return this.#counts;
  }

  /** Resolves when everything has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** What SIGTERM drains for, milliseconds. */
  get drainMs(): number {
    return this.#config.shutdown.drainMs;
  }

  /** Reads configuration, policies and identity again, in all workers. @throws PosternError; then the old ones go on */
  async reload(): Promise<void> {
    await Promise.all([this.#reload('asked for'), askAll(this.slots, 'refresh', undefined)]);
  }

  /** Ends in order; true when every request could end. A second call joins the first; `signal` cuts the drain short. */
  stop(drainMs: number, signal: AbortSignal): Promise<boolean> {
    this.#stopping ??= this.#stop(drainMs, signal);
    return this.#stopping;
  }

  async #start(): Promise<void> {
    const admin = await openGroupAdmin(this);
    this.#closeAdmin = () => admin.close();
    await probePorts([...this.#config.inbound, ...this.#config.outbound]);
    // All load their code at once, but one begins alone: it mends what earlier processes left, and a fault is told once.
    for (const { number } of this.slots) this.#fork(number);
    for (const slot of this.slots) await slot.fill();
    await this.#watchFiles();
    this.#phase = 'running';
    this.log.info('all workers serve', { workers: this.slots.length, admin: formatAddress(admin.address) });
  }

  #slot(number: number): WorkerSlot {
    return new WorkerSlot({
      number,
      launch: () => this.#inTurn(() => this.#launch(number)),
      log: this.log,
      clock: systemClock,
      watch: watchDefaults,
      onLost: () => {
        const last = this.lastFigures.get(number);
        this.lastFigures.delete(number);
        if (last !== undefined) void this.metrics.carry(last.metrics).catch((error) => this.#fault(error));
      },
    });
  }

  #fork(number: number): WorkerProcess {
    const worker = new WorkerProcess(number, this.#entry);
    this.output.passOn(worker.stdout);
    this.#forked.set(number, worker);
    return worker;
  }

  async #launch(number: number): Promise<WorkerProcess> {
    if (this.#stopping !== null) throw new PosternError('ERR_WORKER', 'the sidecar is ending');
    const worker = this.#forked.get(number) ?? this.#fork(number);
    try {
      const { readConfig: _, ...environment } = { ...this.environment, worker: number, logLevel: this.log.level };
      const config = workerConfig(this.#config, this.slots.length);
      const digest = await worker.ask('build', { config, environment }, startPatienceMs);
      this.#takeDigest(digest);
      await worker.ask('open', undefined, startPatienceMs);
      return worker;
    } catch (error) {
      worker.kill();
      await worker.exited;
      throw error;
    } finally {
      this.#forked.delete(number);
    }
  }

  /** @throws PosternError ERR_WORKER where others serve under other policies; all then try to take over the new ones */
  #takeDigest(digest: string): void {
    const isAlone = this.slots.every(({ worker }) => worker === null);
    if (isAlone) this.#digest = digest;
    if (digest === this.#digest) return;
    void this.#reload('a worker that started found other policies').catch(() => {});
    throw new PosternError('ERR_WORKER', 'the policies on disk are not those in force', {
      mend: 'see why the last reload was refused; a worker starts again when the policies on disk are in force',
    });
  }

  #reload(why: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#stopping !== null) return;
      try {
        await this.#apply();
        this.#counts = { ...this.#counts, applied: this.#counts.applied + 1, loadedAtMs: systemClock.nowMs() };
        this.log.info('reloaded', { why, policy: this.#digest });
      } catch (error) {
        this.#countRefusal(error, why);
        throw error;
      }
    });
  }

  async #apply(): Promise<void> {
    const next = await this.environment.readConfig();
    refuseFixed(this.#config, next);
    const known = new Set(this.#config.inbound.map(({ listen }) => formatAddress(listen)));
    await probePorts(next.inbound.filter(({ listen }) => !known.has(formatAddress(listen))));
    const workers = this.slots.flatMap(({ worker }) => (worker === null ? [] : [worker]));
    this.#digest = await reloadAll(workers, workerConfig(next, this.slots.length));
    const isSameWatch = next.watchedPaths.join('\0') === this.#config.watchedPaths.join('\0');
    this.#config = next;
    if (!isSameWatch) await this.#watchFiles();
  }

  #countRefusal(error: unknown, why: string): void {
    const isPolicy = isPosternError(error) && error.code.startsWith('ERR_POLICY');
    const { refused, policyRefused } = this.#counts;
    this.#counts = { ...this.#counts, refused: refused + 1, policyRefused: policyRefused + Number(isPolicy) };
    const fields = isPosternError(error)
      ? { code: error.code, error: error.message, mend: error.mend, position: error.position }
      : { code: 'ERR_INTERNAL', error: String(error) };
    this.log.error('reload refused, the old configuration goes on', { why, ...fields });
  }

  async #watchFiles(): Promise<void> {
    this.#watch?.close();
    this.#watch = watchFiles({
      paths: this.#config.watchedPaths,
      pollMs,
      settleMs,
      onChange: () => void this.#reload('files changed').catch(() => {}),
      onError: (error) => this.log.sampled('watch', 1).warn('file watch', { error: String(error) }),
    });
    await this.#watch.ready;
  }

  async #stop(drainMs: number, signal: AbortSignal): Promise<boolean> {
    this.#phase = 'draining';
    this.#watch?.close();
    const closing = this.slots.map((slot) => slot.close());
    const early = [...this.#forked.values()];
    for (const worker of early) worker.kill();
    const isClean = await endAll(this.slots, drainMs, signal);
    await Promise.all(closing);
    await this.#queue;
    await Promise.all(early.map(({ exited }) => exited));
    // One that began to serve meanwhile.
    await endAll(this.slots, 0, AbortSignal.abort());
    this.#phase = 'stopped';
    await this.#closeAdmin();
    this.output.close();
    this.log.info('stopped');
    await this.log.close();
    this.#wheel.stop();
    this.#ended.resolve();
    return isClean;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {});
    return turn;
  }

  #fault(error: unknown): void {
    this.log.sampled('fault', 5).error('fault', { error: String(error) });
  }
}
