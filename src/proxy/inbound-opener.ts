// From a finished handshake to an open connection of somebody who may ask, or to the reason why not.

import type { ConnectionFacts, DecisionEvent } from '../audit/decision-event.ts';
import type { NetworkFacts } from '../authz/model.ts';
import type { VerifiedPeer } from '../identity/peer-verification.ts';
import type { HeadLimits } from '../wire/head-limits.ts';
import { anonymous, type Caller, noCredential } from './caller.ts';
import type { ListenerSettings } from './exchange-services.ts';
import { FrameScratch } from './http2/frame-writer.ts';
import { Http2Connection } from './http2/http2-connection.ts';
import { identityFields } from './identity-fields.ts';
import { InboundConnection } from './inbound-connection.ts';
import { headLimitsOf, type InboundOptions } from './inbound-options.ts';
import type { InboundListenerParts, ListenerServices } from './listener-services.ts';
import {
  type AdmittedPeer,
  networkFactsOf,
  type PeerAdmission,
  type RefusedPeer,
  tlsFactsOf,
} from './peer-admission.ts';
import type { PeerConnection } from './peer-connection.ts';
import { type ConnectionRight, PeerRight, type TrustMoment } from './peer-right.ts';
import type { Arrival } from './pending-handshakes.ts';
import { TcpConnection } from './tcp-connection.ts';
import { workloadHeader } from './workload-header.ts';

/** Somebody whose connection is opened. */
interface Newcomer {
  readonly arrival: Arrival;
  /** Null: nobody in particular. */
  readonly admitted: AdmittedPeer | null;
  readonly right: ConnectionRight;
  readonly identityFields: string;
}

export class InboundOpener {
  readonly #parts: InboundListenerParts;
  readonly #services: ListenerServices<InboundOptions>;
  readonly #admission: PeerAdmission;
  readonly #scratch = new FrameScratch();
  #headLimits: { readonly settings: ListenerSettings; readonly limits: HeadLimits } | null = null;

  constructor(parts: InboundListenerParts, services: ListenerServices<InboundOptions>, admission: PeerAdmission) {
    this.#parts = parts;
    this.#services = services;
    this.#admission = admission;
  }

  /** Judges who arrived; `onClosed` is called once, when the connection of one who was let in is gone. */
  open(arrival: Arrival, onClosed: (connection: PeerConnection) => void): PeerConnection | RefusedPeer {
    if (arrival.chain === null) return this.#serve(this.#anybody(arrival), onClosed);
    const moment = { snapshot: this.#parts.identity.current, revocations: this.#parts.revocations.current };
    const admitted = this.#admission.admit(arrival.chain, { ...moment, nowMs: this.#parts.clock.nowMs() });
    if (admitted.kind === 'refused') return admitted;
    return this.#serve(this.#somebody(arrival, admitted, moment), onClosed);
  }

  /** What stands in each record of one who is not known, or not known yet. */
  get strangerFacts(): ConnectionFacts {
    return this.#factsOf(null);
  }

  #somebody(arrival: Arrival, admitted: AdmittedPeer, moment: TrustMoment): Newcomer {
    const right = new PeerRight({
      chain: admitted.chain,
      notAfterMs: admitted.peer.trustedUntilMs,
      verifier: this.#parts.verifier,
      identity: this.#parts.identity,
      revocations: this.#parts.revocations,
      judgedUnder: moment,
      role: 'client',
    });
    const fields = identityFields(this.#options, admitted, moment.snapshot);
    return { arrival, admitted, right, identityFields: fields };
  }

  /** A peer without a certificate, or without TLS: nobody, until a request brings a token. */
  #anybody(arrival: Arrival): Newcomer {
    const right = { ended: () => this.#anonymousFault(arrival) };
    return { arrival, admitted: null, right, identityFields: '' };
  }

  /** Why nobody in particular may not be here, or null where settings allow it. */
  #anonymousFault({ tls }: Arrival): string | null {
    const { plaintext, identityRequired } = this.#options;
    if (tls === null) return plaintext === 'permit' ? null : 'the listener refuses connections without TLS by now';
    return identityRequired !== 'x509' ? null : 'the listener asks for a certificate by now';
  }

  #serve(newcomer: Newcomer, onClosed: (connection: PeerConnection) => void): PeerConnection {
    const { arrival, admitted, right } = newcomer;
    const network = networkFactsOf(arrival.ends, this.#parts.isInternal);
    const peer = admitted?.peer ?? null;
    const who = { own: this.#callerOf(newcomer, network), describe: this.#describing(peer), right };
    const services = this.#services;
    if (this.#options.protocol === 'tcp') {
      const preamble = (event: DecisionEvent) => (this.#options.proxyProtocol.send ? workloadHeader(event) : null);
      return new TcpConnection({ ...who, services, peer: arrival, preamble, onClosed });
    }
    const options = {
      ...who,
      services,
      socket: arrival.socket,
      sendsDecisionId: this.#options.workloadHeaders.includes('x-postern-decision-id'),
      peerIp: typeof network.sourceIp === 'string' ? network.sourceIp : 'unix',
      headLimits: this.#headLimitsNow(),
      onClosed,
    };
    if (arrival.tls?.alpnProtocol === 'h2') return new Http2Connection({ ...options, scratch: this.#scratch });
    return new InboundConnection(options);
  }

  #callerOf({ arrival, admitted, ...who }: Newcomer, network: NetworkFacts): Caller {
    const tls = tlsFactsOf(admitted?.peer ?? null, {
      version: arrival.tls?.getProtocol() ?? null,
      cipher: arrival.tls?.getCipher().standardName,
      sni: arrival.sni,
      alpn: arrival.tls?.alpnProtocol ?? null,
    });
    return {
      side: { principal: admitted?.principal ?? anonymous, network, tls },
      facts: this.#factsOf(admitted),
      identityFields: who.identityFields,
      tokenEnded: noToken,
      renewed: asItIs,
    };
  }

  #describing(peer: VerifiedPeer | null): (own: Caller) => Caller {
    if (peer === null) return asItIs;
    return (own) => {
      const principal = this.#admission.principalOf(peer);
      return principal === own.side.principal ? own : { ...own, side: { ...own.side, principal } };
    };
  }

  #factsOf(admitted: AdmittedPeer | null): ConnectionFacts {
    return Object.freeze({
      connectionId: this.#parts.ids.spanId(),
      listener: this.#options.name,
      credential: admitted?.credential ?? noCredential,
      resumed: false,
    });
  }

  get #options(): InboundOptions {
    return this.#services.settings.options;
  }

  #headLimitsNow(): HeadLimits {
    const { settings } = this.#services;
    if (this.#headLimits?.settings !== settings) {
      this.#headLimits = { settings, limits: headLimitsOf(settings.options.limits) };
    }
    return this.#headLimits.limits;
  }
}

const noToken = (): null => null;
const asItIs = (own: Caller): Caller => own;
