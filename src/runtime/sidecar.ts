// The composition root: builds every part from the configuration in order, and ends them in the opposite order. Whatever
// fails on the way up takes down what was built before it: nothing is left half-started.

import type { AdminServer } from '../admin/admin-server.ts';
import { RecentDecisions } from '../admin/recent-decisions.ts';
import type { RecorderHandle } from '../audit/recorder.ts';
import { unsafeShadowPermit } from '../authz/engine.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import { followAttributes } from '../identity/attribute-source.ts';
import type { ReadAttributes } from '../identity/attributes.ts';
import { createPeerVerifier, peerVerifierDefaults } from '../identity/peer-verification.ts';
import type { Revocations } from '../identity/revocations-source.ts';
import type { IdentitySource } from '../identity/source.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Latest } from '../lib/latest.ts';
import { RandomIds } from '../lib/random-ids.ts';
import { formatAddress } from '../lib/socket-address.ts';
import { TimerWheel } from '../lib/timer-wheel.ts';
import { DescriptorRoom } from '../proxy/descriptor-room.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';
import { TlsContexts } from '../proxy/tls-context.ts';
import type { TokenGate } from '../proxy/token-gate.ts';
import { createProxyMetrics, type ProxyMetrics } from '../telemetry/metrics.ts';
import { createOperationalLog, type OperationalLog } from '../telemetry/operational-log.ts';
import { openAdmin } from './admin-runtime.ts';
import { openBundleEndpoint } from './bundle-endpoint-runtime.ts';
import { readDescriptorLimit, warnOfDescriptors } from './descriptor-limit.ts';
import { drainBothWays } from './drain.ts';
import { faultFields } from './fault-fields.ts';
import { openIdentity, ownIdentityOf } from './identity-runtime.ts';
import { internalNetworkTest } from './internal-networks.ts';
import { openJournal } from './journal-runtime.ts';
import { lintContextFor } from './lint-context.ts';
import { ListenerSet, type ListenerSetParts } from './listener-set.ts';
import { logFindings } from './load-bundles.ts';
import { openLists } from './operator-lists.ts';
import { OutboundSet } from './outbound-set.ts';
import { PolicyRuntime } from './policy-runtime.ts';
import { openQuietCollection } from './quiet-collection-runtime.ts';
import { Reloader } from './reloader.ts';
import type { RunningSidecar, SidecarEnvironment, SidecarParts, SidecarPhase } from './sidecar-parts.ts';
import type { TokenRuntime, TokenRuntimeParts } from './token-runtime.ts';

const tickMs = 100;
/** Longest that a request waits for keys of an issuer of tokens. */
const keysPatienceMs = 2_000;

export class Sidecar implements RunningSidecar {
  readonly parts: SidecarParts;
  readonly #cleanups: (() => Promise<void> | void)[];
  #admin: AdminServer | null = null;
  readonly #ended = Promise.withResolvers<void>();
  #phase: SidecarPhase = 'starting';
  #stopping: Promise<boolean> | null = null;

  private constructor(parts: SidecarParts, cleanups: (() => Promise<void> | void)[]) {
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
    const cleanups: (() => Promise<void> | void)[] = [];
    try {
      return await Sidecar.#build(config, environment, cleanups);
    } catch (error) {
      await runCleanups(cleanups);
      throw error;
    }
  }

  static async #build(
    config: PosternConfig,
    environment: SidecarEnvironment,
    cleanups: (() => Promise<void> | void)[],
  ): Promise<Sidecar> {
    const clock = systemClock;
    let log: OperationalLog | null = null;
    const onFault = (error: unknown): void => log?.sampled('fault', 5).error('fault', faultFields(error));
    const wheel = new TimerWheel({ clock, tickMs, onError: onFault });
    wheel.start();
    cleanups.push(() => wheel.stop());
    const collection = openQuietCollection(clock);
    cleanups.push(() => collection.close());
    const { logLevel: level, logFd: fd, worker } = environment;
    log = createOperationalLog({ level, clock, wheel, fd, ...(worker === undefined ? {} : { worker }) });
    cleanups.push(() => log.close());
    const { revocations, registry } = await openLists(config, { log, onFault, cleanups });
    const identityCounts = { rotations: 0, refused: 0 };
    const identity = await openIdentity(config.identity, {
      clock,
      revocations,
      isProduction: environment.isProduction,
      onRefused: (error) => {
        identityCounts.refused++;
        log.error('identity refused, the last good one stays', faultFields(error));
      },
      onWarning: (error) => log.warn('identity', faultFields(error)),
      onListenerError: onFault,
    });
    cleanups.push(() => identity.close());
    const attributes = followAttributes(config.identity.attributes, registry, onFault);
    const own = ownIdentityOf(identity.current, attributes.current);
    const lint = lintContextFor(config, { snapshot: identity.current, registry: registry.current }, clock.nowMs());
    const policy = await PolicyRuntime.load(config.policy, own.environment, { clock, lint });
    logFindings(policy.status().lint, log);
    const metrics = createProxyMetrics([...config.inbound, ...config.outbound].map((one) => one.name));
    const recent = new RecentDecisions();
    const onWriteMs = (ms: number): void => metrics.histograms.journalWrite.observe(ms);
    const journal = await openJournal(config.audit, { environment, clock, log, own, recent, onWriteMs });
    const { recorder } = journal;
    cleanups.push(() => recorder.close());
    const tokens = await openTokenRuntime(config, { clock, identity, revocations, attributes, log, onFault });
    cleanups.push(() => tokens?.close());
    const descriptors = readDescriptorLimit();
    const room = new DescriptorRoom(descriptors);
    const perListener = listenerParts(config, {
      room,
      clock,
      wheel,
      onFault,
      identity,
      revocations,
      attributes,
      policy,
      recorder,
      metrics,
      tokens: tokens?.gate ?? null,
    });
    const shared = { shared: config.audit, own };
    const listeners = new ListenerSet(perListener, config.audit, own);
    cleanups.push(() => listeners.close());
    const outbound = new OutboundSet(perListener, config.outbound, shared);
    cleanups.push(() => outbound.close());
    const reloader = new Reloader(config, {
      readConfig: environment.readConfig,
      identity,
      revocations,
      registry,
      policy,
      listeners,
      outbound,
      log,
      clock,
    });
    cleanups.push(() => reloader.close());
    const followOwn = (): OwnIdentity => {
      const next = ownIdentityOf(identity.current, attributes.current);
      listeners.setOwnIdentity(next);
      outbound.setOwnIdentity(next);
      policy.setOwnEnvironment(next.environment);
      return next;
    };
    cleanups.push(
      identity.subscribe((snapshot) => {
        identityCounts.rotations++;
        const { spiffeId } = followOwn();
        log.info('identity in use', { spiffe_id: spiffeId, serial: snapshot.svid.serial });
      }),
      attributes.subscribe(() => void followOwn()),
    );
    warnOfSettings(config, own.environment, log);
    warnOfDescriptors(log, room, { descriptors, listeners: [...config.inbound, ...config.outbound] });
    const parts = {
      environment,
      clock,
      wheel,
      log,
      metrics,
      identity,
      revocations,
      registry,
      attributes,
      policy,
      journal,
      recorder,
      recent,
      listeners,
      outbound,
      reloader,
      tokens,
    };
    return new Sidecar({ ...parts, identityCounts }, cleanups);
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
      await runCleanups(this.#cleanups);
      throw error;
    }
  }

  async #open(): Promise<void> {
    const { listeners, outbound, log, reloader, environment } = this.parts;
    const { config } = reloader;
    const isAlone = environment.worker === undefined;
    if (isAlone) this.#admin = await openAdmin(config, this);
    this.#cleanups.push(() => this.#admin?.close());
    const bundleServer = await openBundleEndpoint(config.identity, this.parts);
    this.#cleanups.push(() => bundleServer?.close());
    await outbound.listen();
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
    await runCleanups(this.#cleanups);
    this.#ended.resolve();
    return isClean;
  }
}

interface ListenerNeeds {
  readonly room: DescriptorRoom;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly onFault: (error: unknown) => void;
  readonly identity: IdentitySource;
  readonly revocations: Revocations;
  readonly attributes: Latest<ReadAttributes>;
  readonly policy: PolicyRuntime;
  readonly recorder: RecorderHandle;
  readonly metrics: ProxyMetrics;
  readonly tokens: TokenGate | null;
}

/** Null where no tokens are configured: then nothing of them is loaded. */
async function openTokenRuntime(
  { identity: { tokens } }: PosternConfig,
  { log, ...parts }: Omit<TokenRuntimeParts, 'onKeysFailed' | 'keysPatienceMs'> & { readonly log: OperationalLog },
): Promise<TokenRuntime | null> {
  if (tokens.length === 0) return null;
  const { openTokens } = await import('./token-runtime.ts');
  return openTokens(tokens, {
    ...parts,
    keysPatienceMs,
    onKeysFailed: (issuer, error) =>
      log.sampled(`keys ${issuer}`, 1).warn('keys of an issuer of tokens', { issuer, ...faultFields(error) }),
  });
}

function listenerParts(config: PosternConfig, needs: ListenerNeeds): ListenerSetParts {
  const { metrics, policy, ...parts } = needs;
  return {
    ...parts,
    plans: policy,
    verifier: createPeerVerifier(peerVerifierDefaults),
    contexts: new TlsContexts(),
    isInternal: internalNetworkTest(config.policy.internalNetworks),
    ids: new RandomIds(),
    shadowPermit: unsafeShadowPermit,
    observerOf: (name) => metrics.listener(name),
    onIndeterminate: (rules) => metrics.indeterminate.add(rules),
  };
}

/** Settings that work, but not as somebody might believe. */
function warnOfSettings(config: PosternConfig, ownEnvironment: string | undefined, log: OperationalLog): void {
  if (config.policy.environmentBoundary !== 'off' && ownEnvironment === undefined) {
    log.warn('the environment boundary has no effect', {
      mend: 'draw `environment` from the own SPIFFE ID by `identity.attributes`, or set `environment_boundary: off`',
    });
  }
  for (const listener of [...config.inbound, ...config.outbound]) {
    if (listener.mode === 'shadow') log.warn('a listener lets denied requests pass', { listener: listener.name });
  }
}

/** In the opposite order of building; one that fails does not keep the others from running. */
async function runCleanups(cleanups: (() => Promise<void> | void)[]): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) {
    try {
      await cleanup();
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}
