// One outbound listener: the workload calls in plain text on this machine; each request is judged and recorded as the own
// identity's, and only then goes to the peer. Owns its connections until they end, and looks at those to the peer, too.

import type { Socket } from 'node:net';
import { WheelEntry } from '../lib/timer-wheel.ts';
import type { ExchangeServices, ListenerSettings } from './exchange-services.ts';
import { FrameScratch } from './http2/frame-writer.ts';
import { Http2Connection } from './http2/http2-connection.ts';
import { InboundConnection } from './inbound-connection.ts';
import { headLimitsOf } from './inbound-options.ts';
import { type InboundListenerParts, ListenerServices } from './listener-services.ts';
import { ListeningPort } from './listening-port.ts';
import type { OutboundOptions } from './outbound-options.ts';
import { serializeOwnAnswer } from './own-answer.ts';
import { OwnCaller } from './own-caller.ts';
import { networkFactsOf, PeerAdmission } from './peer-admission.ts';
import { type PeerConnection, resetSocket } from './peer-connection.ts';
import type { OpenPeer } from './peer-target.ts';
import { endedRightEvent } from './refusal-events.ts';
import { RightSweep } from './right-sweep.ts';
import { SpokenProtocol } from './spoken-protocol.ts';
import { TcpConnection } from './tcp-connection.ts';

/** How long one who was sent away may take to read why, milliseconds. */
const sentAwayMs = 1_000;
/** How often one that a reload removed is looked at, milliseconds. */
const retirementMs = 500;

export interface OutboundListenerParts extends InboundListenerParts {
  /** Open connections to peers. */
  readonly peers: ReadonlySet<OpenPeer>;
  /** Under whose settings a proxy serves a request for `host`; null for nobody. */
  readonly upstreamOf: (host: string) => ExchangeServices | null;
  /** It was retired, and the last of its callers has gone. */
  readonly onRetired: () => void;
}

/** The workload, as it connected. */
interface PlainCaller {
  readonly socket: Socket;
  readonly isHttp2: boolean;
}

export class OutboundListener {
  readonly #parts: OutboundListenerParts;
  readonly #services: ListenerServices<OutboundOptions>;
  readonly #own: OwnCaller;
  readonly #port: ListeningPort;
  readonly #connections = new Set<PeerConnection>();
  /** Callers of whom it is not known yet what they speak. */
  readonly #silent = new Set<SpokenProtocol>();
  readonly #scratch = new FrameScratch();
  readonly #sweep: RightSweep<PeerConnection>;
  readonly #peerSweep: RightSweep<OpenPeer>;
  #unsubscribe: readonly (() => void)[] = [];
  readonly #retirement = new WheelEntry(() => this.#endIfUnused());
  #isRetired = false;

  constructor(parts: OutboundListenerParts, settings: ListenerSettings<OutboundOptions>) {
    this.#parts = parts;
    this.#own = new OwnCaller(parts, new PeerAdmission(parts));
    this.#services = new ListenerServices(parts, this.#own, settings);
    this.#sweep = new RightSweep(parts.wheel, this.#connections, (one) => this.#judgeConnection(one));
    this.#peerSweep = new RightSweep(parts.wheel, parts.peers, (one) => one.judgeAgain());
    this.#port = new ListeningPort({ onConnection: (socket) => this.#accept(socket), onFault: parts.onFault });
  }

  /** What a request through a proxy is served under. */
  get services(): ExchangeServices {
    return this.#services;
  }

  get settings(): ListenerSettings<OutboundOptions> {
    return this.#services.settings;
  }

  get isListening(): boolean {
    return this.#port.isListening;
  }

  get connectionCount(): number {
    return this.#connections.size + this.#silent.size;
  }

  /** As bound; a port of 0 has become a real one. Empty before `listen()`. */
  get boundAddress(): string {
    return this.#port.address;
  }

  /** Binds. @throws PosternError ERR_LISTEN naming the address and the mend */
  async listen(): Promise<void> {
    const { listen, name, reusePort, socketMode } = this.settings.options;
    const who = `listener \`${name}\``;
    await this.#port.bind({ address: listen, who, key: 'listen', reusePort, socketMode });
    this.#begin();
  }

  /** In place of `listen`: goes on where `from` accepted until now. */
  takeOver(from: OutboundListener): void {
    this.#port.takeOver(from.#port);
    this.#begin();
  }

  /** New settings serve the next request of every connection; the pool stays. */
  replaceSettings(next: ListenerSettings<OutboundOptions>): void {
    this.#services.settings = next;
  }

  /** Looks at everything that is open now: what may be done has changed. */
  judgeAgain(): void {
    this.#sweep.now();
    this.#peerSweep.now();
  }

  /** From now on each answer says `connection: close`; new connections are still taken. */
  beginDrain(): void {
    this.#services.isDraining = true;
  }

  /** Takes those connections that wait to be accepted, then no more, and closes those that ask nothing. */
  async stopAccepting(): Promise<void> {
    this.#services.isDraining = true;
    for (const caller of [...this.#silent]) caller.end();
    for (const connection of [...this.#connections]) connection.closeWhenIdle();
    await this.#port.stop();
  }

  /** A reload removed it: what is under way may end, and is judged until then. */
  retire(): void {
    this.#isRetired = true;
    this.stopAccepting().then(() => this.#endIfUnused(), this.#parts.onFault);
  }

  /** Ends everything at once. */
  close(): void {
    this.#services.isDraining = true;
    this.#port.close();
    this.#parts.wheel.cancel(this.#retirement);
    this.#sweep.stop();
    this.#peerSweep.stop();
    for (const stop of this.#unsubscribe) stop();
    for (const caller of [...this.#silent]) caller.end();
    for (const connection of [...this.#connections]) connection.end('the sidecar stopped');
    this.settings.pool.close();
  }

  #begin(): void {
    this.#sweep.start();
    this.#peerSweep.start();
    const { identity, revocations, attributes } = this.#parts;
    this.#unsubscribe = [identity, revocations, attributes].map((one) => one.subscribe(() => this.judgeAgain()));
  }

  #accept(raw: Socket): void {
    const { observer, room } = this.#parts;
    const isFull = this.connectionCount >= this.settings.options.limits.connections;
    if (isFull || room.isFull) {
      observer.limitMet(isFull ? 'connections' : 'descriptors');
      observer.connectionRefused(isFull ? 'connection_limit' : 'descriptor_limit');
      return this.#sendAway(raw);
    }
    room.addPeer(raw);
    observer.connectionOpened();
    const { kind, protocol } = this.settings.options;
    // Calls through a proxy are of HTTP/1.1: programs that speak HTTP/2 ask a proxy for a tunnel.
    if (kind === 'proxy' || protocol === 'tcp') this.#serve(raw, false);
    else this.#listenTo(raw);
  }

  #listenTo(raw: Socket): void {
    const caller = new SpokenProtocol(raw, {
      wheel: this.#parts.wheel,
      patienceMs: this.settings.options.limits.idleMs,
      onSpoken: (isHttp2) => {
        this.#silent.delete(caller);
        this.#serve(raw, isHttp2);
      },
      onGone: () => {
        this.#silent.delete(caller);
        this.#parts.observer.connectionClosed();
        this.#endIfUnused();
      },
    });
    this.#silent.add(caller);
  }

  #serve(socket: Socket, isHttp2: boolean): void {
    const { observer } = this.#parts;
    const connection = this.#open({ socket, isHttp2 }, (closed) => {
      this.#connections.delete(closed);
      observer.connectionClosed();
      this.#endIfUnused();
    });
    this.#connections.add(connection);
  }

  #open({ socket, isHttp2 }: PlainCaller, onClosed: (connection: PeerConnection) => void): PeerConnection {
    const { ids, isInternal } = this.#parts;
    const { options } = this.settings;
    const network = networkFactsOf(socket, isInternal, 'outbound');
    const facts = { connectionId: ids.spanId(), listener: options.name, resumed: false };
    const describe = () => this.#own.of(network, facts);
    const who = { own: describe(), describe, right: this.#own, services: this.#services, onClosed };
    if (options.protocol === 'tcp') return new TcpConnection({ ...who, peer: { socket, raw: socket } });
    const http = { ...who, socket, sendsDecisionId: false, peerIp: null, headLimits: headLimitsOf(options.limits) };
    if (isHttp2) return new Http2Connection({ ...http, scratch: this.#scratch });
    return new InboundConnection({
      ...http,
      ...(options.kind === 'proxy' ? { route: ({ host }) => this.#parts.upstreamOf(host) } : {}),
    });
  }

  #endIfUnused(): void {
    if (!this.#isRetired || this.#port.isListening || this.connectionCount > 0) return;
    this.settings.pool.close();
    // Calls through a proxy may be under way on connections to peers, whose right is looked at until they end.
    if (this.#parts.peers.size > 0) return this.#parts.wheel.schedule(this.#retirement, retirementMs);
    this.close();
    this.#parts.onRetired();
  }

  /** A plain caller can be told; its request was not read, so nothing was decided. */
  #sendAway(raw: Socket): void {
    const { deny, protocol } = this.settings.options;
    if (protocol === 'tcp') return resetSocket({ socket: raw, raw });
    const { wheel } = this.#parts;
    const patience = new WheelEntry(() => raw.destroy());
    wheel.schedule(patience, sentAwayMs);
    raw.on('error', () => raw.destroy());
    raw.once('close', () => wheel.cancel(patience));
    raw.once('end', () => raw.destroy());
    const about = { decisionId: null, deny, close: true, isHead: false, code: null, told: null };
    raw.end(serializeOwnAnswer('overloaded', about), 'latin1');
    raw.resume();
  }

  /** True where it ended the connection. */
  #judgeConnection(connection: PeerConnection): boolean {
    if (connection.isOver) return false;
    const { clock, ids, recorder } = this.#parts;
    const ended = connection.right.ended(clock.nowMs());
    if (ended === null) {
      connection.judgeOpenAgain();
      return connection.isOver;
    }
    const names = { decisionId: ids.uuid(), timeUs: clock.nowUs(), connection: connection.facts };
    recorder.authnFailed(endedRightEvent(names, connection.side, ended));
    connection.end(ended, 'revoked');
    return true;
  }
}
