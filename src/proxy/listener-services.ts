// What a listener is made of, and what its connections and their exchanges see of it. Settings are swapped whole by a reload.

import type { Recorder } from '../audit/decision-event.ts';
import type { IndeterminateRule, Permit } from '../authz/model.ts';
import type { RevocationList } from '../identity/revocation-list.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import type { Clock } from '../lib/clock.ts';
import type { Latest } from '../lib/latest.ts';
import type { RandomIds } from '../lib/random-ids.ts';
import type { TimerWheel } from '../lib/timer-wheel.ts';
import type { DescriptorRoom } from './descriptor-room.ts';
import { DirectReading } from './direct-reading.ts';
import type { ExchangeServices, ListenerSettings, PeerDescriptions, PlanSource } from './exchange-services.ts';
import { BodyBuffers } from './gathered-body.ts';
import type { ListenerOptions } from './inbound-options.ts';
import type { PeerAdmissionParts } from './peer-admission.ts';
import type { ProxyObserver } from './proxy-observer.ts';
import type { TlsContexts } from './tls-context.ts';
import type { TokenGate } from './token-gate.ts';

/** What a listener is made of. */
export interface InboundListenerParts extends PeerAdmissionParts {
  readonly recorder: Recorder;
  readonly plans: PlanSource;
  readonly identity: Latest<IdentitySnapshot>;
  readonly revocations: Latest<RevocationList>;
  readonly contexts: TlsContexts;
  readonly isInternal: (ip: string) => boolean;
  readonly ids: RandomIds;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly observer: ProxyObserver;
  readonly room: DescriptorRoom;
  /** Null where no tokens are configured. */
  readonly tokens: TokenGate | null;
  readonly shadowPermit: Permit;
  /** Rules that could not be judged, for a metric that names them. */
  readonly onIndeterminate: (rules: readonly IndeterminateRule[]) => void;
  readonly onFault: (error: unknown) => void;
}

/** One for each listener; what is not settings never changes. */
export class ListenerServices<Options extends ListenerOptions = ListenerOptions> implements ExchangeServices {
  readonly descriptions: PeerDescriptions;
  readonly recorder: Recorder;
  readonly plans: PlanSource;
  readonly ids: RandomIds;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly observer: ProxyObserver;
  readonly tokens: TokenGate | null;
  readonly shadowPermit: Permit;
  readonly onIndeterminate: (rules: readonly IndeterminateRule[]) => void;
  readonly bodyBuffers = new BodyBuffers();
  readonly reading = new DirectReading();
  /** A request is served under the settings it began with. */
  settings: ListenerSettings<Options>;
  /** From when on each answer ends its connection. */
  isDraining = false;

  constructor(parts: InboundListenerParts, descriptions: PeerDescriptions, settings: ListenerSettings<Options>) {
    this.descriptions = descriptions;
    this.recorder = parts.recorder;
    this.plans = parts.plans;
    this.ids = parts.ids;
    this.clock = parts.clock;
    this.wheel = parts.wheel;
    this.observer = parts.observer;
    this.tokens = parts.tokens;
    this.shadowPermit = parts.shadowPermit;
    this.onIndeterminate = parts.onIndeterminate;
    this.settings = settings;
  }
}
