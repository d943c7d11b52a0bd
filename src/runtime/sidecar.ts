// A sidecar's life: built, opened, reloaded, and ended in the opposite order. Whatever fails on the way up takes down what
// was built before it: nothing is left half-started.

import type { AdminServer } from '../admin/admin-server.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import { formatAddress } from '../lib/socket-address.ts';
import { openAdmin } from './admin-runtime.ts';
import { buildSidecar } from './build-sidecar.ts';
import { openBundleEndpoint } from './bundle-endpoint-runtime.ts';
import { Cleanups } from './cleanups.ts';
import { drainBothWays } from './drain.ts';
import type { RunningSidecar, SidecarEnvironment, SidecarParts, SidecarPhase } from './sidecar-parts.ts';

export class Sidecar implements RunningSidecar {
  readonly parts: SidecarParts;
  readonly #cleanups: Cleanups;
  #admin: AdminServer | null = null;
  readonly #ended = Promise.withResolvers<void>();
  #phase: SidecarPhase = 'starting';
  #stopping: Promise<boolean> | null = null;

  private constructor(parts: SidecarParts, cleanups: Cleanups) {
    this.parts = parts;
    this.#cleanups = cleanups;
  }

  /**
   * Starts everything; when it resolves, every listener is bound.
   * @throws PosternError naming what could not be started and the mend
   */
  static async start(config: PosternConfig, environment: SidecarEnvironment): Promise<Sidecar> {
    const sidecar = await Sidecar.build(config, environment);
    await sidecar.open();
    return sidecar;
  }

  /** Builds everything; nobody can connect before `open`. @throws PosternError; then nothing is left */
  static async build(config: PosternConfig, environment: SidecarEnvironment): Promise<Sidecar> {
    const cleanups = new Cleanups();
    try {
      return new Sidecar(await buildSidecar(config, environment, cleanups), cleanups);
    } catch (error) {
      await cleanups.run();
      throw error;
    }
  }

  get phase(): SidecarPhase {
    return this.#phase;
  }

  /** Resolves when everything has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** What SIGTERM drains for, milliseconds. */
  get drainMs(): number {
    return this.parts.reloader.config.shutdown.drainMs;
  }

  /** Address of the admin API as bound. */
  get adminAddress(): string {
    return this.#admin === null ? '' : formatAddress(this.#admin.address);
  }

  /** Reads configuration, policies and identity again. @throws PosternError; then the old ones go on */
  async reload(): Promise<void> {
    await Promise.all([this.parts.reloader.reload('asked for'), this.parts.identity.refresh()]);
  }

  /**
   * Ends in order: drain, then the journal, then the rest. True when every request could end; a second call joins the
   * first. `signal` cuts the drain short.
   */
  stop(drainMs: number, signal: AbortSignal): Promise<boolean> {
    this.#stopping ??= this.#stop(drainMs, signal);
    return this.#stopping;
  }

  /** Binds. A worker's admin API and file watch are its supervisor's. @throws PosternError; then all is taken down */
  async open(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      await this.#cleanups.run();
      throw error;
    }
  }

  async #open(): Promise<void> {
    const { listeners, outbound, log, reloader, environment } = this.parts;
    const { config } = reloader;
    const isAlone = environment.worker === undefined;
    if (isAlone) this.#admin = await openAdmin(config, this);
    this.#cleanups.add(() => this.#admin?.close());
    const bundleServer = await openBundleEndpoint(config.identity, this.parts);
    this.#cleanups.add(() => bundleServer?.close());
    await outbound.replace(config.outbound, config.audit);
    await listeners.replace(config.inbound, config.audit);
    if (isAlone) await reloader.watch();
    this.#phase = 'running';
    log.info('ready', {
      version: environment.version,
      spiffe_id: this.parts.identity.current.svid.id.toString(),
      policy: this.parts.policy.status().digest,
      listeners: Object.fromEntries(
        [...listeners.all, ...outbound.all].map((one) => [one.settings.options.name, one.boundAddress]),
      ),
      ...(isAlone ? { admin: this.adminAddress } : {}),
    });
  }

  async #stop(drainMs: number, signal: AbortSignal): Promise<boolean> {
    this.#phase = 'draining';
    const { log, listeners, outbound } = this.parts;
    const open = (): number => listeners.connectionCount + outbound.connectionCount;
    log.info('draining', { connections: open(), drain_ms: drainMs });
    const isClean = await drainBothWays({ inbound: listeners, outbound }, drainMs, signal);
    if (!isClean) log.warn('connections were cut at the end of the drain', { connections: open() });
    this.#phase = 'stopped';
    log.info('stopped');
    await this.#cleanups.run();
    this.#ended.resolve();
    return isClean;
  }
}
