// The sidecar's own identity as the one who asks: the principal of every call that the workload makes.

import type { ConnectionFacts } from '../audit/decision-event.ts';
import type { NetworkFacts } from '../authz/model.ts';
import type { RevocationList } from '../identity/revocation-list.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import type { Clock } from '../lib/clock.ts';
import type { Latest } from '../lib/latest.ts';
import { anonymous, type Caller, noCredential } from './caller.ts';
import type { PeerDescriptions } from './exchange-services.ts';
import { type AdmittedPeer, type PeerAdmission, type RefusedPeer, tlsFactsOf } from './peer-admission.ts';

export interface OwnCallerParts {
  readonly identity: Latest<IdentitySnapshot>;
  readonly revocations: Latest<RevocationList>;
  readonly clock: Clock;
}

/** What the own identity was last judged under, and what came of it. */
interface Judged {
  readonly snapshot: IdentitySnapshot;
  readonly revocations: RevocationList;
  readonly attributes: unknown;
  readonly outcome: AdmittedPeer | RefusedPeer;
}

const noToken = (): null => null;
const asItIs = (own: Caller): Caller => own;

export class OwnCaller implements PeerDescriptions {
  readonly #parts: OwnCallerParts;
  readonly #admission: PeerAdmission;
  #judged: Judged | null = null;

  constructor(parts: OwnCallerParts, admission: PeerAdmission) {
    this.#parts = parts;
    this.#admission = admission;
  }

  /** Another object whenever identity, revocations or what is said of identities changed. */
  get edition(): unknown {
    return this.#now();
  }

  /** Why nothing may be asked in the own name, or null: the own certificate is judged as any caller's is. */
  ended(nowMs: number): string | null {
    const { outcome } = this.#now();
    if (outcome.kind === 'refused') return `the own identity does not hold: ${outcome.detail}`;
    return nowMs > outcome.peer.trustedUntilMs ? 'the own certificate has expired' : null;
  }

  /** Who asks on a connection, as of now. */
  of(network: NetworkFacts, facts: Omit<ConnectionFacts, 'credential'>): Caller {
    const { outcome } = this.#now();
    const admitted = outcome.kind === 'admitted' ? outcome : null;
    const peer = admitted?.peer ?? null;
    // What is known of TLS is the own certificate: the decision comes before the handshake.
    const tls = tlsFactsOf(peer, { version: null, cipher: undefined, sni: null, alpn: null });
    return Object.freeze({
      side: Object.freeze({ principal: admitted?.principal ?? anonymous, network, tls }),
      facts: Object.freeze({ ...facts, credential: admitted?.credential ?? noCredential }),
      identityFields: '',
      tokenEnded: noToken,
      renewed: asItIs,
    });
  }

  #now(): Judged {
    const [snapshot, revocations] = [this.#parts.identity.current, this.#parts.revocations.current];
    const attributes = this.#admission.edition;
    const known = this.#judged;
    const isSame = known?.snapshot === snapshot && known.revocations === revocations;
    if (known !== null && isSame && known.attributes === attributes) return known;
    const [leaf, ...intermediates] = snapshot.svid.certificates;
    if (leaf === undefined) throw new TypeError('an SVID has a certificate');
    const nowMs = this.#parts.clock.nowMs();
    const outcome = this.#admission.admit({ leaf, intermediates }, { snapshot, revocations, nowMs });
    this.#judged = { snapshot, revocations, attributes, outcome };
    return this.#judged;
  }
}
