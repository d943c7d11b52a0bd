// The token of a request, before anything is judged: found, verified, and joined to what the connection knows. What was
// verified before is answered at once; a new token waits for its signature, and for keys within a bound.

import type { ReplayWatch } from '../identity/tokens/replay-watch.ts';
import type { TokenIdentity } from '../identity/tokens/token-identity.ts';
import { refuseToken, type TokenRefusal } from '../identity/tokens/token-refusals.ts';
import type { TokenVerdict, TokenVerifier, VerifiedToken } from '../identity/tokens/token-verifier.ts';
import { findBearerToken, withoutField } from '../wire/bearer-token.ts';
import type { RequestHead } from '../wire/http1-message.ts';
import { type Caller, callerWithToken } from './caller.ts';
import type { ListenerOptions } from './inbound-options.ts';

/** What all listeners share. */
export interface TokenParts {
  readonly verifier: TokenVerifier;
  readonly replays: ReplayWatch;
}

/** Who a request is from, and the request as it goes on; or why its token does not do. */
export type Identified =
  | { readonly kind: 'caller'; readonly caller: Caller; readonly head: RequestHead }
  | { readonly kind: 'refused'; readonly refusal: TokenRefusal };

export class TokenGate {
  readonly #parts: TokenParts;
  /** What a token made of a connection, for the next request with the same. */
  readonly #callers = new WeakMap<Caller, LastCaller>();

  constructor(parts: TokenParts) {
    this.#parts = parts;
  }

  /** Calls `done` once, now or later; `own` is the connection's caller. */
  identify(
    own: Caller,
    request: { readonly head: RequestHead; readonly options: ListenerOptions },
    done: (identified: Identified) => void,
  ): void {
    const { head, options } = request;
    const found = findBearerToken(head.fields);
    if (found.kind === 'token') return this.#verify(found.text, (verdict) => done(this.#join(own, request, verdict)));
    if (found.kind === 'repeated') return done({ kind: 'refused', refusal: refuseToken('token_repeated') });
    const needsNone = options.identityRequired === 'x509_or_token' && own.side.principal.authn === 'mtls';
    done(
      needsNone ? { kind: 'caller', caller: own, head } : { kind: 'refused', refusal: refuseToken('token_missing') },
    );
  }

  #verify(text: string, done: (verdict: TokenVerdict) => void): void {
    const known = this.#parts.verifier.known(text);
    if (known !== null) return done(known);
    void this.#parts.verifier.verify(text).then(done);
  }

  #join(
    own: Caller,
    { head, options }: { readonly head: RequestHead; readonly options: ListenerOptions },
    verdict: TokenVerdict,
  ): Identified {
    if (!verdict.ok) return { kind: 'refused', refusal: verdict };
    const fields = options.forwardToken ? head.fields : withoutField(head.fields, 'authorization');
    const sendsPeer = options.workloadHeaders.includes('x-postern-peer');
    const replayed = this.#parts.replays.isReplayed(verdict, holderOf(own));
    const caller = this.#callerOf(own, { token: verdict, replayed }, sendsPeer);
    return { kind: 'caller', caller, head: { ...head, fields } };
  }

  #callerOf(own: Caller, shown: ShownToken, sendsPeer: boolean): Caller {
    const { verifier } = this.#parts;
    const { token, replayed } = shown;
    const identity = verifier.identityOf(token);
    const last = this.#callers.get(own);
    if (last?.identity === identity && last.token === token && last.replayed === replayed) return last.caller;
    const ended = (): string | null => verifier.endOf(token)?.detail ?? null;
    const renewed = (next: Caller): Caller => this.#callerOf(next, shown, sendsPeer);
    const caller = callerWithToken(own, { identity, replayed, ended, renewed }, sendsPeer);
    this.#callers.set(own, { ...shown, identity, caller });
    return caller;
  }
}

interface ShownToken {
  readonly token: VerifiedToken;
  /** Another showed it too. */
  readonly replayed: boolean;
}

interface LastCaller extends ShownToken {
  readonly identity: TokenIdentity;
  readonly caller: Caller;
}

/** Who shows the token: the identity of the certificate, or where there is none the address. */
function holderOf({ side }: Caller): string {
  const { spiffeId } = side.principal;
  return typeof spiffeId === 'string' ? spiffeId : `address ${String(side.network.sourceIp ?? 'unix')}`;
}
