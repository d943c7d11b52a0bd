// Names and name constraints in DER, for the chains that follow x509-limbo's cases.

import type { TestExtension } from '../identity/certificate-encoder.ts';
import { der } from '../identity/certificate-encoder.ts';
import { rawExtension } from '../identity/workshop.ts';

/** The client of every chain. */
export const clientId = 'spiffe://a.example/ns/payments/api';

export const uri = (text: string): Buffer => der(0x86, text);
export const dns = (text: string): Buffer => der(0x82, text);
export const email = (text: string): Buffer => der(0x81, text);
export const ip = (...bytes: number[]): Buffer => der(0x87, Buffer.from(bytes));

/** Of a private kind, as nobody reads it. */
export const otherName = (): Buffer =>
  der(0xa0, der(0x06, Buffer.from([0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xfd, 0x59, 0x01])), der(0xa0, der(0x05)));

/** `CN=<name>` as a directory name. */
export const directory = (name: string): Buffer =>
  der(0xa4, der(0x30, der(0x31, der(0x30, der(0x06, Buffer.from([0x55, 0x04, 0x03])), der(0x0c, name)))));

/** A SAN of the client's SPIFFE ID and further names. */
export const withNames = (...names: Buffer[]): { readonly sanDer: Buffer } => ({
  sanDer: der(0x30, uri(clientId), ...names),
});

export interface Subtrees {
  readonly permitted?: readonly Buffer[];
  readonly excluded?: readonly Buffer[];
}

/** The name constraints extension, critical unless said. */
export function constraints({ permitted = [], excluded = [] }: Subtrees, critical = true): TestExtension {
  const trees = (tag: number, bases: readonly Buffer[]) =>
    bases.length === 0 ? [] : [der(tag, ...bases.map((base) => der(0x30, base)))];
  return rawExtension('2.5.29.30', critical, der(0x30, ...trees(0xa0, permitted), ...trees(0xa1, excluded)));
}
