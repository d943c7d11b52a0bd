// How the chains that follow x509-limbo's cases are put together: each as limbo has it, but with a SPIFFE ID in the leaf
// and the leaf as a TLS client.

import type { Crl } from '../../src/identity/crl.ts';
import { type Made, makeCa, makeLeaf, type Spec } from '../identity/workshop.ts';
import { clientId } from './limbo-names.ts';

/** What is trusted, what the client sends, and when it is judged: now, where nothing is said. */
export interface LimboChain {
  readonly trusted: readonly Made[];
  /** In the order in which it is sent. */
  readonly via: readonly Made[];
  readonly leaf: Made;
  readonly nowMs?: number;
  readonly crls?: readonly Crl[];
}

export type Build = () => Promise<LimboChain>;

let plainRoot: Promise<Made> | undefined;

/** One that nothing is said of is made once: to make certificates takes most of the time. */
export function limboRoot(spec: Spec = {}): Promise<Made> {
  if (Object.keys(spec).length > 0) return makeCa({ subject: 'CN=Limbo root', ...spec });
  plainRoot ??= makeCa({ subject: 'CN=Limbo root' });
  return plainRoot;
}

export const limboCa = (issuer: Made, subject: string, spec: Spec = {}): Promise<Made> =>
  makeCa({ issuer, subject, ...spec });
export const limboLeaf = (issuer: Made, spec: Spec = {}): Promise<Made> =>
  makeLeaf({ issuer, uris: [clientId], subject: 'CN=Limbo leaf', ...spec });

/** Root, intermediates in order from the top, leaf: one specification each. */
export function line(root: Spec, cas: readonly Spec[], leaf: Spec = {}): Build {
  return async () => {
    const top = await limboRoot(root);
    const made: Made[] = [];
    for (const [at, spec] of cas.entries()) made.push(await limboCa(made.at(-1) ?? top, `CN=Limbo CA ${at}`, spec));
    return { trusted: [top], via: made.toReversed(), leaf: await limboLeaf(made.at(-1) ?? top, leaf) };
  };
}

/** A line of one root, one intermediate and a leaf of that lifetime, judged so long after its begin or its end. */
export function lifetime(judged: { readonly afterBeginMs: number } | { readonly afterEndMs: number }): Build {
  const begin = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
  const end = begin + 7_200_000;
  const of = { notBeforeMs: begin, notAfterMs: end };
  const nowMs = 'afterBeginMs' in judged ? begin + judged.afterBeginMs : end + judged.afterEndMs;
  return async () => ({ ...(await line(of, [of], of)()), nowMs });
}
