// Reload (config.md): on SIGHUP, on a change of any referenced file, or asked for by the admin API. The whole next state is
// read and validated before anything is swapped; what does not validate is refused whole, and the old state goes on.

import type { PosternConfig } from '../config/postern-config.ts';
import { isPosternError } from '../errors.ts';
import type { Registry } from '../identity/registry-file.ts';
import type { Revocations } from '../identity/revocations-source.ts';
import type { IdentitySource } from '../identity/source.ts';
import type { Clock } from '../lib/clock.ts';
import { type FileWatch, watchFiles } from '../lib/file-watch.ts';
import type { OperationalLog } from '../telemetry/operational-log.ts';
import { refuseFixed } from './fixed-settings.ts';
import { lintContextFor } from './lint-context.ts';
import type { ListenerSet, PreparedListeners } from './listener-set.ts';
import { digestOf, loadBundles, logFindings } from './load-bundles.ts';
import type { OutboundSet } from './outbound-set.ts';
import type { PolicyRuntime } from './policy-runtime.ts';

export interface ReloaderParts {
  readonly readConfig: () => Promise<PosternConfig>;
  readonly identity: IdentitySource;
  readonly revocations: Revocations;
  readonly registry: Registry;
  readonly policy: PolicyRuntime;
  readonly listeners: ListenerSet;
  readonly outbound: OutboundSet;
  readonly log: OperationalLog;
  readonly clock: Clock;
}

/** A configuration that may be put in force, and can be without a fault. */
export interface PreparedReload {
  /** Of the policies in force and of the candidates. */
  readonly policyDigest: string;
  commit(): Promise<void>;
  /** Lets go of what was bound for it. */
  discard(): void;
}

const pollMs = 2_000;
const settleMs = 100;

export class Reloader {
  readonly #parts: ReloaderParts;
  #config: PosternConfig;
  #watch: FileWatch | null = null;
  #queue: Promise<void> = Promise.resolve();
  #closed = false;
  #loadedAtMs: number;
  #applied = 0;
  #refused = 0;
  #policyRefused = 0;

  constructor(config: PosternConfig, parts: ReloaderParts) {
    this.#config = config;
    this.#parts = parts;
    this.#loadedAtMs = parts.clock.nowMs();
  }

  /** The configuration in force. */
  get config(): PosternConfig {
    return this.#config;
  }

  get counts() {
    const counts = { loadedAtMs: this.#loadedAtMs, applied: this.#applied, refused: this.#refused };
    return { ...counts, policyRefused: this.#policyRefused };
  }

  /** Begins to watch the referenced files. */
  async watch(): Promise<void> {
    const { watchedPaths } = this.#config;
    this.#watch?.close();
    this.#watch = watchFiles({
      paths: watchedPaths,
      pollMs,
      settleMs,
      onChange: () => void this.reload('files changed').catch(() => {}),
      onError: (error) => this.#parts.log.sampled('watch', 1).warn('file watch', { error: String(error) }),
    });
    await this.#watch.ready;
  }

  /** One at a time, in order. @throws PosternError saying why the old state goes on */
  reload(why: string): Promise<void> {
    const turn = this.#queue.then(() => this.#reload(why));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /**
   * Reads and checks everything that `next` names, and binds what is new; nothing changes before `commit`.
   * @throws PosternError saying what is wrong with it
   */
  async prepare(next: PosternConfig): Promise<PreparedReload> {
    const { policy, listeners, identity, revocations, registry, clock } = this.#parts;
    refuseFixed(this.#config, next);
    const registered = await registry.prepare(next.inventory.registryFile);
    const known = { snapshot: identity.current, registry: registered.value };
    const bundles = await loadBundles(next.policy, lintContextFor(next, known, clock.nowMs()));
    const revoked = await revocations.prepare(next.policy.revocationsFile);
    const bound = await this.#bind(next);
    const commit = async (): Promise<void> => {
      for (const one of bound) one.commit();
      policy.apply(bundles, next.policy);
      // All in one turn: nobody is judged by new policies and the old registry.
      const watching = [registered.commit(), revoked.commit()];
      listeners.judgeAgain();
      this.#parts.outbound.judgeAgain();
      await Promise.all(watching);
      logFindings(bundles.findings, this.#parts.log);
      const isSameWatch = next.watchedPaths.join('\0') === this.#config.watchedPaths.join('\0');
      this.#config = next;
      if (this.#watch !== null && !isSameWatch) await this.watch();
    };
    return { policyDigest: digestOf(bundles), commit, discard: () => discardAll(bound) };
  }

  /** Both directions or none. */
  async #bind(next: PosternConfig): Promise<readonly PreparedListeners[]> {
    const { listeners, outbound } = this.#parts;
    const inwards = await listeners.prepare(next.inbound, next.audit);
    try {
      return [inwards, await outbound.prepare(next.outbound, next.audit)];
    } catch (error) {
      inwards.discard();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watch?.close();
    await this.#queue;
  }

  async #reload(why: string): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#apply();
      this.#applied++;
      this.#loadedAtMs = this.#parts.clock.nowMs();
      this.#parts.log.info('reloaded', { why, policy: this.#parts.policy.status().digest });
    } catch (error) {
      this.#refused++;
      this.#reportRefusal(error, why);
      throw error;
    }
  }

  async #apply(): Promise<void> {
    const prepared = await this.prepare(await this.#parts.readConfig());
    await prepared.commit();
  }

  #reportRefusal(error: unknown, why: string): void {
    if (isPosternError(error) && error.code.startsWith('ERR_POLICY')) this.#policyRefused++;
    const fields = isPosternError(error)
      ? { code: error.code, error: error.message, mend: error.mend, position: error.position }
      : { code: 'ERR_INTERNAL', error: String(error) };
    this.#parts.log.error('reload refused, the old configuration goes on', { why, ...fields });
  }
}

function discardAll(prepared: readonly PreparedListeners[]): void {
  for (const one of prepared) one.discard();
}
