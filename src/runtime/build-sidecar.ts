// The composition root: builds every part of a sidecar from the configuration, in order. Nobody can connect to what it
// gives back; `Sidecar.open` binds.

import { RecentDecisions } from '../admin/recent-decisions.ts';
import { unsafeShadowPermit } from '../authz/engine.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import { followAttributes } from '../identity/attribute-source.ts';
import { createPeerVerifier, peerVerifierDefaults } from '../identity/peer-verification.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { RandomIds } from '../lib/random-ids.ts';
import { TimerWheel } from '../lib/timer-wheel.ts';
import { DescriptorRoom } from '../proxy/descriptor-room.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';
import { TlsContexts } from '../proxy/tls-context.ts';
import { createProxyMetrics } from '../telemetry/metrics.ts';
import { createOperationalLog, type OperationalLog } from '../telemetry/operational-log.ts';
import type { Cleanups } from './cleanups.ts';
import { readDescriptorLimit, warnOfDescriptors } from './descriptor-limit.ts';
import { faultFields } from './fault-fields.ts';
import { openIdentity, ownIdentityOf } from './identity-runtime.ts';
import { networkTest } from './internal-networks.ts';
import { openJournal } from './journal-runtime.ts';
import { lintContextFor } from './lint-context.ts';
import { ListenerSet, type ListenerSetParts } from './listener-set.ts';
import { logFindings } from './load-bundles.ts';
import { openLists } from './operator-lists.ts';
import { OutboundSet } from './outbound-set.ts';
import { PolicyRuntime } from './policy-runtime.ts';
import { openQuietCollection } from './quiet-collection-runtime.ts';
import { Reloader } from './reloader.ts';
import { warnOfSettings } from './setting-warnings.ts';
import type { Shipping } from './shipping-runtime.ts';
import type { SidecarEnvironment, SidecarParts } from './sidecar-parts.ts';
import type { TokenRuntime } from './token-runtime.ts';

const tickMs = 100;
/** Longest that a request waits for keys of an issuer of tokens. */
const keysPatienceMs = 2_000;

/** What is built, with what ends it: `cleanups` holds that from the first part on. @throws PosternError */
export async function buildSidecar(
  config: PosternConfig,
  environment: SidecarEnvironment,
  cleanups: Cleanups,
): Promise<SidecarParts> {
  const base = openBase(environment, cleanups);
  const who = await openWho(config, base);
  const judged = await openJudgement(config, base, who);
  const serving = buildListeners(config, base, { ...who, ...judged });
  followOwnIdentity(base, who, { ...judged, ...serving });
  const { clock, wheel, log } = base;
  const { own, ...identities } = who;
  warnOfSettings(config, { ownEnvironment: own.environment, snapshot: identities.identity.current }, log);
  return { environment, clock, wheel, log, ...identities, ...judged, ...serving };
}

/** What everything else stands on. */
interface Base {
  readonly environment: SidecarEnvironment;
  readonly cleanups: Cleanups;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly log: OperationalLog;
  readonly onFault: (error: unknown) => void;
}

function openBase(environment: SidecarEnvironment, cleanups: Cleanups): Base {
  const clock = systemClock;
  let log: OperationalLog | null = null;
  const onFault = (error: unknown): void => log?.sampled('fault', 5).error('fault', faultFields(error));
  const wheel = new TimerWheel({ clock, tickMs, onError: onFault });
  wheel.start();
  cleanups.add(() => wheel.stop());
  const collection = openQuietCollection(clock);
  cleanups.add(() => collection.close());
  const { logLevel: level, logFd: fd, worker } = environment;
  const opened = createOperationalLog({ level, clock, wheel, fd, ...(worker === undefined ? {} : { worker }) });
  log = opened;
  cleanups.add(() => opened.close());
  return { environment, cleanups, clock, wheel, log, onFault };
}

/** Who we are, and what is known of others. */
type Who = Pick<SidecarParts, 'revocations' | 'registry' | 'identity' | 'identityCounts' | 'attributes'> & {
  readonly own: OwnIdentity;
};

async function openWho(config: PosternConfig, base: Base): Promise<Who> {
  const { environment, cleanups, clock, log, onFault } = base;
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
  cleanups.add(() => identity.close());
  const attributes = followAttributes(config.identity.attributes, registry, onFault);
  const own = ownIdentityOf(identity.current, attributes.current);
  return { revocations, registry, identity, identityCounts, attributes, own };
}

/** What decides, and puts it on record. */
type Judgement = Pick<SidecarParts, 'policy' | 'metrics' | 'recent' | 'journal' | 'recorder' | 'shipping' | 'tokens'>;

async function openJudgement(config: PosternConfig, base: Base, who: Who): Promise<Judgement> {
  const { environment, cleanups, clock, log } = base;
  const { identity, registry, own } = who;
  const lint = lintContextFor(config, { snapshot: identity.current, registry: registry.current }, clock.nowMs());
  const policy = await PolicyRuntime.load(config.policy, own.environment, { clock, lint });
  logFindings(policy.status().lint, log);
  const metrics = createProxyMetrics([...config.inbound, ...config.outbound].map((one) => one.name));
  const recent = new RecentDecisions();
  const onWriteMs = (ms: number): void => metrics.histograms.journalWrite.observe(ms);
  const signEveryMs = config.identity.signJournalMs;
  const parts = { environment, clock, log, own, recent, onWriteMs, identity, signEveryMs };
  const journal = await openJournal(config.audit, parts);
  const { recorder } = journal;
  const shipping = await openShippingFor(config, base, who);
  // The journal is closed first, so that sinks get its last records too.
  cleanups.add(
    () => shipping?.close(),
    () => recorder.close(),
  );
  const tokens = await openTokenRuntime(config, base, who);
  cleanups.add(() => tokens?.close());
  return { policy, metrics, recent, journal, recorder, shipping, tokens };
}

/** Null where there are no sinks, or another worker ships: one does, for the streams of all. */
async function openShippingFor({ audit }: PosternConfig, base: Base, { identity }: Who): Promise<Shipping | null> {
  const { worker = 0, shipEntry: entry } = base.environment;
  const { dir, sinks } = audit;
  if (dir === null || sinks.length === 0 || worker !== 0) return null;
  if (entry === undefined) throw new TypeError('an environment without `shipEntry` has no sinks');
  const { Shipping } = await import('./shipping-runtime.ts');
  const { log, clock } = base;
  const own = () => ({ certPem: identity.current.svid.certChainPem, keyPem: identity.current.svid.keyPem });
  return new Shipping({ dir, sinks, entry, log, clock, identity: own });
}

/** Null where no tokens are configured: then nothing of them is loaded. */
async function openTokenRuntime(
  { identity: { tokens } }: PosternConfig,
  { clock, log, onFault }: Base,
  { identity, revocations, attributes }: Who,
): Promise<TokenRuntime | null> {
  if (tokens.length === 0) return null;
  const { openTokens } = await import('./token-runtime.ts');
  const onKeysFailed = (issuer: string, error: unknown): void =>
    log.sampled(`keys ${issuer}`, 1).warn('keys of an issuer of tokens', { issuer, ...faultFields(error) });
  return openTokens(tokens, { clock, identity, revocations, attributes, onFault, keysPatienceMs, onKeysFailed });
}

/** What serves, and what builds it anew. */
type Serving = Pick<SidecarParts, 'listeners' | 'outbound' | 'reloader'>;

function buildListeners(config: PosternConfig, base: Base, known: Who & Judgement): Serving {
  const { cleanups, clock, log } = base;
  const { own, identity, revocations, registry, policy } = known;
  const descriptors = readDescriptorLimit();
  const room = new DescriptorRoom(descriptors);
  const parts = listenerParts(config, room, { ...base, ...known });
  const listeners = new ListenerSet(parts, config.audit, own);
  cleanups.add(() => listeners.close());
  const outbound = new OutboundSet(parts, config.audit, own);
  cleanups.add(() => outbound.close());
  const { readConfig } = base.environment;
  const reloadable = { identity, revocations, registry, policy, listeners, outbound };
  const reloader = new Reloader(config, { readConfig, ...reloadable, log, clock });
  cleanups.add(() => reloader.close());
  warnOfDescriptors(log, room, { descriptors, listeners: [...config.inbound, ...config.outbound] });
  return { listeners, outbound, reloader };
}

function listenerParts(config: PosternConfig, room: DescriptorRoom, known: Base & Who & Judgement): ListenerSetParts {
  const { clock, wheel, onFault, identity, revocations, attributes, policy, recorder, metrics, tokens } = known;
  return {
    room,
    clock,
    wheel,
    onFault,
    identity,
    revocations,
    attributes,
    recorder,
    plans: policy,
    tokens: tokens?.gate ?? null,
    verifier: createPeerVerifier(peerVerifierDefaults),
    contexts: new TlsContexts(),
    isInternal: networkTest(config.policy.internalNetworks),
    ids: new RandomIds(),
    shadowPermit: unsafeShadowPermit,
    observerOf: (name) => metrics.listener(name),
    onIndeterminate: (rules) => metrics.indeterminate.add(rules),
  };
}

/** The own identity may change, by rotation or by what is said of it, and listeners and policy with it. */
function followOwnIdentity(
  { cleanups, log }: Base,
  { identity, identityCounts, attributes }: Who,
  { policy, listeners, outbound, shipping }: Judgement & Serving,
): void {
  const follow = (): OwnIdentity => {
    const next = ownIdentityOf(identity.current, attributes.current);
    listeners.setOwnIdentity(next);
    outbound.setOwnIdentity(next);
    policy.setOwnEnvironment(next.environment);
    return next;
  };
  cleanups.add(
    identity.subscribe((snapshot) => {
      identityCounts.rotations++;
      const { spiffeId } = follow();
      shipping?.renew();
      log.info('identity in use', { spiffe_id: spiffeId, serial: snapshot.svid.serial });
    }),
    attributes.subscribe(() => void follow()),
  );
}
