// Records of peers that were refused before there was a request, or whose right ended on an open connection.

import type { AuthnFailedEvent, ConnectionFacts } from '../audit/decision-event.ts';
import type { NetworkFacts } from '../authz/model.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import type { ConnectionSide } from './inbound-request.ts';
import { networkFactsOf } from './peer-admission.ts';
import type { PeerChain } from './peer-right.ts';

/** What names an event. */
export interface RefusalNames {
  readonly decisionId: string;
  readonly timeUs: number;
  readonly connection: ConnectionFacts;
}

/** Why a peer was refused, and what it showed. */
export interface RefusedPeerFacts {
  readonly cause: string;
  readonly detail: string;
  readonly shown: string | null;
}

interface RefusedSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly servername?: string | false | null | undefined;
}

/** The event of a peer that did not get in. */
export function refusalEvent(names: RefusalNames, refused: RefusedPeerFacts, socket: RefusedSocket): AuthnFailedEvent {
  const { cause, detail, shown } = refused;
  return {
    ...names,
    reason: 'authn_failed',
    cause,
    detail,
    shown,
    ...endpoints(networkFactsOf(socket, () => false)),
    sni: text(socket.servername),
  };
}

/** Trust domains that a message lists. */
const mostNamed = 8;

/** The detail of a refusal, with what was shown and what would have been accepted, for the operators of both sides. */
export function withExpected({ detail, shown }: RefusedPeerFacts, { svid, bundles }: IdentitySnapshot): string {
  const names = bundles.trustDomains.map(({ name }) => name);
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  const expected = `expected an identity of ${names.slice(0, mostNamed).join(', ') || 'no trust domain'}${more}`;
  return `${detail}; shown: ${shown ?? 'none'}; ${expected}; own identity: ${svid.id.toString()}`;
}

/** The event of an open connection that lost its right. */
export function endedRightEvent(names: RefusalNames, side: ConnectionSide, detail: string): AuthnFailedEvent {
  return {
    ...names,
    reason: 'reauth_revoked',
    cause: 'right_ended',
    detail,
    shown: side.principal.id,
    ...endpoints(side.network),
    sni: text(side.tls.sni),
  };
}

function endpoints(network: NetworkFacts) {
  return {
    direction: network.direction,
    sourceIp: text(network.sourceIp),
    sourcePort: number(network.sourcePort),
    destinationIp: text(network.destinationIp),
    destinationPort: number(network.destinationPort),
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** What an unverified certificate says of itself; the recorder cleans it. */
export function shownName(chain: PeerChain): string {
  const uri = chain.leaf.subjectAltName?.split(', ').find((name) => name.startsWith('URI:'));
  return uri === undefined ? chain.leaf.subject : uri.slice(4);
}
