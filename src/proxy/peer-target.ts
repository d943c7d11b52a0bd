// A peer that the workload calls, over mutual TLS 1.3 with the own SVID. Who answers there is checked before a byte of a
// request is sent, by the same verifier that judges callers, and for as long as the connection is kept (promise 3).

import net from 'node:net';
import tls from 'node:tls';
import { isPosternError, PosternError } from '../errors.ts';
import type { PeerVerifier, VerifiedPeer } from '../identity/peer-verification.ts';
import type { RevocationList } from '../identity/revocation-list.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import type { Clock } from '../lib/clock.ts';
import { matchesGlob } from '../lib/glob.ts';
import type { Latest } from '../lib/latest.ts';
import { type Place, placeName } from './endpoints/endpoint-options.ts';
import type { OutboundOptions } from './outbound-options.ts';
import { type PeerChain, PeerRight } from './peer-right.ts';
import { shownName } from './refusal-events.ts';
import type { TlsContexts } from './tls-context.ts';
import { serverChain } from './tls-handshake.ts';
import { SpeaksHttp1, type UpstreamFailureFacts, type UpstreamRight, type UpstreamTarget } from './upstream-target.ts';

export interface PeerTargetParts {
  readonly verifier: PeerVerifier;
  readonly identity: Latest<IdentitySnapshot>;
  readonly revocations: Latest<RevocationList>;
  readonly contexts: TlsContexts;
  readonly clock: Clock;
  /** Who is accepted now. */
  readonly accept: () => OutboundOptions['accept'];
  readonly handshakeMs: number;
  /** What is spoken within TLS, the most wanted first (RFC 7301); empty where the peer is not to care. */
  readonly alpn: readonly ('h2' | 'http/1.1')[];
  /** Those whose right is looked at whenever something changes. */
  readonly open: Set<OpenPeer>;
}

/** An open connection to a verified peer. */
export interface OpenPeer extends UpstreamRight {
  /** Ends it where the peer's right has ended. */
  judgeAgain(): boolean;
}

/** How far a new connection has come. */
type Phase = 'connecting' | 'shaking';

const phaseCodes = Object.freeze({
  connecting: 'ERR_OUTBOUND_UNREACHABLE',
  shaking: 'ERR_OUTBOUND_HANDSHAKE',
} as const);

export class PeerTarget implements UpstreamTarget {
  readonly scheme = 'https';
  readonly readyEvent = 'secureConnect';
  readonly handshakeMs: number;
  readonly #parts: PeerTargetParts;
  readonly #place: Place;
  readonly #phases = new WeakMap<net.Socket, Phase>();
  /** The identity that a handshake was begun with. */
  readonly #shown = new WeakMap<net.Socket, IdentitySnapshot>();
  /** The certificates of a known peer, kept once for all its connections: Node's objects hold some 20 KB of OpenSSL's each. */
  readonly #chains = new WeakMap<VerifiedPeer, PeerChain>();

  constructor(parts: PeerTargetParts, place: Place) {
    this.handshakeMs = parts.handshakeMs;
    this.#parts = parts;
    this.#place = place;
  }

  open(onread: net.OnReadOpts): net.Socket {
    const { host, port, address } = this.#place;
    const snapshot = this.#parts.identity.current;
    const options = {
      host: address,
      port,
      noDelay: true,
      onread,
      secureContext: this.#parts.contexts.of(snapshot),
      ...(this.#parts.alpn.length > 0 ? { ALPNProtocols: [...this.#parts.alpn] } : {}),
      // The name of an X509-SVID is its SPIFFE ID; `admit` looks at that, and at what OpenSSL says of the chain.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(net.isIP(host) === 0 ? { servername: host } : {}),
    };
    const socket = tls.connect(options);
    this.#shown.set(socket, snapshot);
    this.#phases.set(socket, 'connecting');
    socket.once('connect', () => this.#phases.set(socket, 'shaking'));
    return socket;
  }

  admit(socket: net.Socket): UpstreamRight | PosternError {
    const chain = serverChain(socket as tls.TLSSocket);
    if ('cause' in chain) {
      const shown = chain.chain === null ? 'none' : shownName(chain.chain);
      return this.#refused(chain.detail, shown);
    }
    const { identity, revocations, verifier, clock } = this.#parts;
    const moment = { snapshot: identity.current, revocations: revocations.current };
    const verdict = verifier.verify({
      leaf: chain.leaf,
      intermediates: chain.intermediates,
      bundles: moment.snapshot.bundles,
      revocations: moment.revocations,
      role: 'server',
      nowMs: clock.nowMs(),
    });
    if (!verdict.ok) return this.#refused(verdict.detail, verdict.shown ?? 'none');
    const id = verdict.peer.id.toString();
    if (!this.#accepts(id)) return this.#refused('the peer is somebody else', id);
    if (this.#parts.alpn[0] === 'h2' && (socket as tls.TLSSocket).alpnProtocol !== 'h2') return this.#withoutHttp2();
    const right = new PeerRight({
      ...this.#parts,
      chain: this.#knownChain(verdict.peer, chain as PeerChain),
      notAfterMs: verdict.peer.trustedUntilMs,
      judgedUnder: moment,
      role: 'server',
    });
    return this.#keep(socket, right, id);
  }

  error({ kind, what, cause, socket }: UpstreamFailureFacts): PosternError {
    if (isPosternError(cause) && cause.code.startsWith('ERR_OUTBOUND_')) return cause;
    const details = cause === null ? {} : { cause };
    const message = `peer \`${placeName(this.#place)}\`: ${what}`;
    if (kind === 'timeout') return new PosternError('ERR_OUTBOUND_TIMEOUT', message, details);
    if (kind === 'unreachable') return this.#unreachable({ what, cause, socket });
    if (kind === 'failed' && errorCode(cause).startsWith('ERR_SSL_')) {
      // In TLS 1.3 a server judges our certificate after its own part of the handshake is over.
      return new PosternError('ERR_OUTBOUND_HANDSHAKE', `${message}; it was shown \`${this.#ownId(socket)}\``, details);
    }
    const isMute = kind === 'failed' && what.endsWith('before it answered');
    const hint = isMute ? `; a peer that refuses \`${this.#ownId(socket)}\` may do that` : '';
    return new PosternError('ERR_OUTBOUND_FAILED', message + hint, details);
  }

  #withoutHttp2(): PosternError {
    const message = `peer \`${placeName(this.#place)}\`: speaks no HTTP/2`;
    return new PosternError('ERR_OUTBOUND_HANDSHAKE', message, { cause: new SpeaksHttp1() });
  }

  #unreachable({ what, cause, socket }: Omit<UpstreamFailureFacts, 'kind'>): PosternError {
    const phase = this.#phases.get(socket) ?? 'connecting';
    const own = phase === 'shaking' ? `; it was shown \`${this.#ownId(socket)}\`` : '';
    const message = `peer \`${placeName(this.#place)}\`: ${what}${own}`;
    return new PosternError(phaseCodes[phase], message, cause === null ? {} : { cause });
  }

  #keep(socket: net.Socket, right: PeerRight, id: string): OpenPeer {
    const { identity, clock } = this.#parts;
    const { serial } = this.#shown.get(socket)!.svid;
    // Asked twice a request, while what is accepted changes with a reload only.
    let judgedBy = this.#parts.accept();
    let isAccepted = true;
    const accepts = (): boolean => {
      const now = this.#parts.accept();
      if (now !== judgedBy) [judgedBy, isAccepted] = [now, this.#accepts(id)];
      return isAccepted;
    };
    const open: OpenPeer = {
      // Under another own identity no further request goes; one under way may end.
      isOver: () => right.ended(clock.nowMs()) !== null || identity.current.svid.serial !== serial || !accepts(),
      judgeAgain: () => {
        const ended = right.ended(clock.nowMs()) ?? (accepts() ? null : 'the peer is accepted no more');
        if (ended !== null) socket.destroy(this.#refused(ended, id));
        return ended !== null;
      },
    };
    this.#parts.open.add(open);
    socket.once('close', () => this.#parts.open.delete(open));
    return open;
  }

  #knownChain(peer: VerifiedPeer, chain: PeerChain): PeerChain {
    const known = this.#chains.get(peer);
    if (known !== undefined) return known;
    this.#chains.set(peer, chain);
    return chain;
  }

  #accepts(id: string): boolean {
    return this.#parts.accept().some((glob) => matchesGlob(glob, id));
  }

  #refused(why: string, shown: string): PosternError {
    const expected = this.#parts
      .accept()
      .map(({ pattern }) => pattern)
      .join(', ');
    const message = `peer \`${placeName(this.#place)}\`: ${why}; expected: ${expected}; shown: \`${shown}\``;
    return new PosternError('ERR_OUTBOUND_IDENTITY', message);
  }

  #ownId(socket: net.Socket): string {
    return this.#shown.get(socket)?.svid.id.toString() ?? 'nothing';
  }
}

function errorCode(error: Error | null): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? '';
}
