// From a verified chain to a peer with a name: the second step of wire.md "TLS" (the anchor must belong to the bundle of
// the peer's own trust domain), the attributes drawn from its ID, and the principal that policy sees.

import type { CredentialFacts } from '../audit/decision-event.ts';
import type { NetworkFacts, Principal, TlsFacts } from '../authz/model.ts';
import type { PeerVerifier, VerifiedPeer } from '../identity/peer-verification.ts';
import type { RevocationList } from '../identity/revocation-list.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import type { Latest } from '../lib/latest.ts';
import type { PeerChain } from './peer-right.ts';

/** What is drawn from a SPIFFE ID by configuration. */
interface DrawnAttributes {
  readonly namespace?: string | undefined;
  readonly serviceAccount?: string | undefined;
  readonly environment?: string | undefined;
  readonly attestation?: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
}

/** A peer who may ask. */
export interface AdmittedPeer {
  readonly kind: 'admitted';
  readonly peer: VerifiedPeer;
  readonly principal: Principal;
  readonly credential: CredentialFacts;
  /** The certificates it showed: for all connections of a known peer those of the first, which say the same. */
  readonly chain: PeerChain;
}

/** A peer who is refused, with what goes on record. */
export interface RefusedPeer {
  readonly kind: 'refused';
  readonly cause: string;
  readonly detail: string;
  readonly shown: string | null;
}

const noClaims: ReadonlyMap<string, unknown> = new Map();

export interface PeerAdmissionParts {
  readonly verifier: PeerVerifier;
  /** Another function is published whenever what is said of identities changes. */
  readonly attributes: Latest<(id: VerifiedPeer['id']) => DrawnAttributes>;
}

/** A peer as described under one edition of the attributes. */
interface Description {
  readonly edition: unknown;
  readonly admitted: AdmittedPeer;
}

/** When, and what was known then. */
interface AdmissionMoment {
  readonly snapshot: IdentitySnapshot;
  readonly revocations: RevocationList;
  readonly nowMs: number;
}

/** Judges peers. A verified peer is described once for each edition of the attributes, as long as the verifier remembers it. */
export class PeerAdmission {
  readonly #parts: PeerAdmissionParts;
  /** Not a memory of verdicts: each chain is put to the verifier. */
  readonly #described = new WeakMap<VerifiedPeer, Description>();

  constructor(parts: PeerAdmissionParts) {
    this.#parts = parts;
  }

  /** Judges the chain a peer showed, under the snapshot of now. */
  admit(chain: PeerChain, { snapshot, revocations, nowMs }: AdmissionMoment): AdmittedPeer | RefusedPeer {
    const { leaf, intermediates } = chain;
    const { bundles } = snapshot;
    const verdict = this.#parts.verifier.verify({ leaf, intermediates, bundles, revocations, role: 'client', nowMs });
    if (!verdict.ok) return { kind: 'refused', cause: verdict.cause, detail: verdict.detail, shown: verdict.shown };
    const known = this.#described.get(verdict.peer);
    if (known !== undefined) return this.#renew(verdict.peer, known);
    const edition = this.#parts.attributes.current;
    const admitted = admittedPeer(chain, verdict.peer, edition(verdict.peer.id));
    this.#described.set(verdict.peer, { edition, admitted });
    return admitted;
  }

  /** Which edition of the attributes is in force; compared by identity. */
  get edition(): unknown {
    return this.#parts.attributes.current;
  }

  /** The principal that policy sees in a verified peer now; the same object as long as nothing in it changes. */
  principalOf(peer: VerifiedPeer): Principal {
    const known = this.#described.get(peer);
    if (known !== undefined) return this.#renew(peer, known).principal;
    return principalOf(peer, this.#parts.attributes.current(peer.id));
  }

  #renew(peer: VerifiedPeer, known: Description): AdmittedPeer {
    const edition = this.#parts.attributes.current;
    if (known.edition === edition) return known.admitted;
    const drawn = edition(peer.id);
    const isSame = saysThat(known.admitted.principal, drawn);
    const admitted = isSame
      ? known.admitted
      : Object.freeze({ ...known.admitted, principal: principalOf(peer, drawn) });
    this.#described.set(peer, { edition, admitted });
    return admitted;
  }
}

function saysThat(principal: Principal, drawn: DrawnAttributes): boolean {
  const { namespace, serviceAccount, environment, attestation, labels } = principal;
  if (namespace !== drawn.namespace || serviceAccount !== drawn.serviceAccount) return false;
  if (environment !== drawn.environment || attestation !== drawn.attestation) return false;
  return labels.size === drawn.labels.size && [...drawn.labels].every(([name, value]) => labels.get(name) === value);
}

function admittedPeer(chain: PeerChain, peer: VerifiedPeer, drawn: DrawnAttributes): AdmittedPeer {
  return Object.freeze({
    kind: 'admitted' as const,
    peer,
    principal: principalOf(peer, drawn),
    credential: Object.freeze({
      type: 'x509-svid' as const,
      serial: peer.serial,
      notBeforeMs: peer.notBeforeMs,
      notAfterMs: peer.notAfterMs,
      fingerprintSha256: peer.fingerprintSha256,
    }),
    chain,
  });
}

function principalOf(peer: VerifiedPeer, drawn: DrawnAttributes): Principal {
  const id = peer.id.toString();
  return Object.freeze({
    id,
    type: 'workload',
    spiffeId: id,
    trustDomain: peer.id.trustDomain.toString(),
    path: peer.id.path,
    namespace: drawn.namespace,
    serviceAccount: drawn.serviceAccount,
    environment: drawn.environment,
    attestation: drawn.attestation,
    issuer: peer.issuer,
    authn: 'mtls' as const,
    labels: drawn.labels,
    claims: noClaims,
  });
}

/** The handshake as policy sees it. */
export function tlsFactsOf(
  peer: VerifiedPeer | null,
  session: {
    readonly version: string | null;
    readonly cipher: string | undefined;
    readonly sni: string | false | null | undefined;
    readonly alpn: string | false | null;
  },
): TlsFacts {
  return Object.freeze({
    version: session.version ?? undefined,
    cipher: session.cipher,
    sni: session.sni || undefined,
    alpn: session.alpn || undefined,
    peerSerial: peer?.serial,
    peerNotBeforeMs: peer?.notBeforeMs,
    peerNotAfterMs: peer?.notAfterMs,
    peerFingerprintSha256: peer?.fingerprintSha256,
  });
}

/** The socket as policy sees it; a peer on a unix socket is internal (policy.md 1.2). */
export function networkFactsOf(
  socket: {
    readonly remoteAddress?: string | undefined;
    readonly remotePort?: number | undefined;
    readonly localAddress?: string | undefined;
    readonly localPort?: number | undefined;
  },
  isInternal: (ip: string) => boolean,
  direction: NetworkFacts['direction'] = 'inbound',
): NetworkFacts {
  const sourceIp = plainIp(socket.remoteAddress);
  return Object.freeze({
    sourceIp,
    sourcePort: socket.remotePort,
    destinationIp: plainIp(socket.localAddress),
    destinationPort: socket.localPort,
    isInternal: sourceIp === undefined ? true : isInternal(sourceIp),
    direction,
  });
}

const mappedPrefix = '::ffff:';

/** Dual-stack sockets give IPv4 peers as `::ffff:10.0.0.1`; everybody means `10.0.0.1`. */
export function plainIp(address: string | undefined): string | undefined {
  return address?.startsWith(mappedPrefix) && address.includes('.') ? address.slice(mappedPrefix.length) : address;
}
