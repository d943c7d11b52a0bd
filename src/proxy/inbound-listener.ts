// One inbound listener: accepts, shakes hands, admits, and owns its connections until they end. Settings are swapped
// whole; the trust bundles and the clock are asked again for every open connection twice a second (promise 3).

import type { Socket } from 'node:net';
import type { ListenerSettings } from './exchange-services.ts';
import { InboundOpener } from './inbound-opener.ts';
import type { InboundLimits, InboundOptions } from './inbound-options.ts';
import { type InboundListenerParts, ListenerServices } from './listener-services.ts';
import { ListeningPort } from './listening-port.ts';
import { PeerAdmission } from './peer-admission.ts';
import type { PeerConnection } from './peer-connection.ts';
import { type Arrival, PendingHandshakes, type Stranger } from './pending-handshakes.ts';
import {
  endedRightEvent,
  type RefusalNames,
  type RefusedPeerFacts,
  refusalEvent,
  shownName,
  withExpected,
} from './refusal-events.ts';
import { RightSweep } from './right-sweep.ts';
import type { HandshakeFailure, OfferedProtocols } from './tls-handshake.ts';

/** What one listener is made of. */
export interface OwnListenerParts extends InboundListenerParts {
  /** It takes no more connections, and the last one has ended. */
  readonly onRetired: () => void;
}

export class InboundListener {
  readonly #parts: OwnListenerParts;
  readonly #services: ListenerServices<InboundOptions>;
  readonly #port: ListeningPort;
  readonly #connections = new Set<PeerConnection>();
  readonly #handshakes: PendingHandshakes;
  readonly #admission: PeerAdmission;
  readonly #sweep: RightSweep<PeerConnection>;
  readonly #opener: InboundOpener;
  #lastSeenMs = Number.NEGATIVE_INFINITY;
  #unsubscribe: readonly (() => void)[] = [];

  constructor(parts: OwnListenerParts, settings: ListenerSettings<InboundOptions>) {
    this.#parts = parts;
    this.#admission = new PeerAdmission(parts);
    this.#services = new ListenerServices(parts, this.#admission, settings);
    this.#opener = new InboundOpener(parts, this.#services, this.#admission);
    this.#sweep = new RightSweep(parts.wheel, this.#connections, (one) => this.#judgeConnection(one));
    this.#port = new ListeningPort({ onConnection: (socket) => this.#accept(socket), onFault: parts.onFault });
    this.#handshakes = new PendingHandshakes({
      wheel: parts.wheel,
      context: () => parts.contexts.of(parts.identity.current),
      clientCertificate: () => askedCertificates[this.settings.options.identityRequired],
      plaintext: () => this.settings.options.plaintext === 'permit',
      isBalancer: (ip) => this.settings.isBalancer?.(ip) === true,
      alpn: () => offeredProtocols(this.settings.options),
      onDone: (arrival) => this.#admit(arrival),
      onFailed: (failure, stranger) => this.#refuseHandshake(failure, stranger),
    });
  }

  get settings(): ListenerSettings<InboundOptions> {
    return this.#services.settings;
  }

  get isListening(): boolean {
    return this.#port.isListening;
  }

  /** Open connections and handshakes. */
  get connectionCount(): number {
    return this.#connections.size + this.#handshakes.count;
  }

  /** Milliseconds since somebody was connected; 0 while anybody is, `Infinity` where nobody ever was. */
  get unusedMs(): number {
    return this.connectionCount > 0 ? 0 : performance.now() - this.#lastSeenMs;
  }

  /** The address that was bound, as text; a port of 0 has become a real one. Empty before `listen()`. */
  get boundAddress(): string {
    return this.#port.address;
  }

  /**
   * Binds.
   * @throws PosternError ERR_LISTEN naming the address and the mend
   */
  async listen(): Promise<void> {
    const { listen, name, reusePort, socketMode } = this.settings.options;
    const who = `listener \`${name}\``;
    await this.#port.bind({ address: listen, who, key: 'listen', reusePort, socketMode });
    this.#begin();
  }

  /** In place of `listen`: goes on where `from` accepted until now. */
  takeOver(from: InboundListener): void {
    this.#port.takeOver(from.#port);
    this.#begin();
  }

  /** New settings serve the next request of every connection; the old pool closes as it empties. */
  replaceSettings(next: ListenerSettings<InboundOptions>): void {
    const old = this.settings;
    this.#services.settings = next;
    if (old.pool !== next.pool) old.pool.close();
  }

  /** Looks at every open connection now: what may be done has changed. */
  judgeAgain(): void {
    this.#sweep.now();
  }

  /** From now on each answer says `connection: close`; new connections are still taken (wire.md "SIGTERM"). */
  beginDrain(): void {
    this.#services.isDraining = true;
  }

  /** Takes those connections that wait to be accepted, then no more, and closes those that serve nothing. */
  async stopAccepting(): Promise<void> {
    this.#services.isDraining = true;
    for (const connection of [...this.#connections]) connection.closeWhenIdle();
    await this.#port.stop();
    this.#handshakes.dropSilent();
    this.#retireIfUnused();
  }

  /** Ends everything at once. */
  close(): void {
    this.#services.isDraining = true;
    this.#port.close();
    this.#sweep.stop();
    for (const stop of this.#unsubscribe) stop();
    this.#handshakes.close();
    for (const connection of [...this.#connections]) connection.end('the sidecar stopped');
    this.settings.pool.close();
  }

  #begin(): void {
    this.#sweep.start();
    const { identity, revocations, attributes } = this.#parts;
    const sweepNow = (): void => this.#sweep.now();
    this.#unsubscribe = [identity, revocations, attributes].map((one) => one.subscribe(sweepNow));
  }

  #accept(raw: Socket): void {
    this.#lastSeenMs = performance.now();
    const { limits } = this.settings.options;
    const met = this.#limitInTheWay(limits);
    if (met !== null) {
      this.#parts.observer.limitMet(met);
      // A stranger who keeps us waiting gives way to one who may be in earnest.
      if (!this.#handshakes.dropOldest()) {
        this.#parts.observer.connectionRefused(met === 'descriptors' ? 'descriptor_limit' : 'connection_limit');
        raw.destroy();
        return;
      }
    }
    this.#parts.room.addPeer(raw);
    this.#handshakes.admit(raw, limits.handshakeMs);
  }

  #limitInTheWay(limits: InboundLimits): 'connections' | 'handshakes' | 'descriptors' | null {
    if (this.connectionCount >= limits.connections) return 'connections';
    if (this.#parts.room.isFull) return 'descriptors';
    return this.#handshakes.count >= limits.handshakes ? 'handshakes' : null;
  }

  #admit(arrival: Arrival): void {
    const { observer } = this.#parts;
    if (arrival.tls === null) observer.plaintextOpened();
    else observer.handshakeDone(arrival.tookMs);
    const opened = this.#opener.open(arrival, (closed) => this.#onClosed(closed));
    if ('cause' in opened) {
      observer.handshakeEnded('refused', opened.cause);
      this.#recordRefusal(opened, arrival);
      arrival.socket.destroy();
      return this.#retireIfUnused();
    }
    this.#connections.add(opened);
    if (arrival.tls !== null) observer.handshakeEnded('accepted', 'none');
    observer.connectionOpened();
  }

  #onClosed(closed: PeerConnection): void {
    this.#connections.delete(closed);
    this.#lastSeenMs = performance.now();
    this.#parts.observer.connectionClosed();
    this.#retireIfUnused();
  }

  /** One that a reload removed leaves nothing behind that others would wake or hold. */
  #retireIfUnused(): void {
    if (!this.#services.isDraining || this.#port.isListening || this.connectionCount > 0) return;
    this.#sweep.stop();
    for (const stop of this.#unsubscribe) stop();
    this.settings.pool.close();
    this.#parts.onRetired();
  }

  #refuseHandshake(failure: HandshakeFailure, stranger: Stranger): void {
    this.#parts.observer.handshakeEnded(failure.kind, failure.cause);
    this.#retireIfUnused();
    // Nobody was refused for who they are, and a flood must not fill the journal.
    if (failure.kind === 'aborted' || failure.kind === 'dropped') return;
    if (failure.kind === 'timeout') this.#parts.observer.limitMet('handshake');
    this.#recordRefusal({ ...failure, shown: failure.chain === null ? null : shownName(failure.chain) }, stranger);
  }

  #recordRefusal(refused: RefusedPeerFacts, { ends, sni }: Stranger): void {
    const detail = withExpected(refused, this.#parts.identity.current);
    this.#parts.recorder.authnFailed(
      refusalEvent(this.#eventNames(), { ...refused, detail }, { ...ends, servername: sni }),
    );
  }

  #eventNames(): RefusalNames {
    return {
      decisionId: this.#parts.ids.uuid(),
      timeUs: this.#parts.clock.nowUs(),
      connection: this.#opener.strangerFacts,
    };
  }

  /** True where it ended the connection. */
  #judgeConnection(connection: PeerConnection): boolean {
    // Two sweeps in one turn of the loop would put its end on record twice.
    if (connection.isOver) return false;
    const ended = connection.right.ended(this.#parts.clock.nowMs()) ?? connection.tokenEnded;
    if (ended === null) {
      connection.judgeOpenAgain();
      return connection.isOver;
    }
    const names = { ...this.#eventNames(), connection: connection.facts };
    this.#parts.recorder.authnFailed(endedRightEvent(names, connection.side, ended));
    connection.end(ended, 'revoked');
    return true;
  }
}

function offeredProtocols({ protocol, http2 }: InboundOptions): OfferedProtocols {
  if (protocol === 'tcp') return 'none';
  return http2 ? 'h2 and http/1.1' : 'http/1.1';
}

const askedCertificates = Object.freeze({ x509: 'required', token: 'none', x509_or_token: 'optional' } as const);
