// The own bundle as others fetch it (SPIFFE Trust Domain and Bundle §4): X.509 and JWT authorities, sequence, refresh hint.

import type { JwtBundle } from '../identity/jwt-bundle.ts';
import type { Authority, TrustBundle } from '../identity/trust-bundle.ts';

/** The keys of a document, in the order of the bundles. */
export function documentKeys(x509: TrustBundle, jwt: JwtBundle | undefined): readonly object[] {
  return [
    ...x509.authorities.map(x509Key),
    ...(jwt?.authorities ?? []).map(({ keyId, jwk }) => ({ ...jwk, kid: keyId, use: 'jwt-svid' })),
  ];
}

/** X509-SVID §6.2: one certificate in `x5c`; the members of the key itself are for readers that want them. */
function x509Key({ certificate }: Authority): object {
  return {
    ...certificate.publicKey.export({ format: 'jwk' }),
    use: 'x509-svid',
    x5c: [certificate.raw.toString('base64')],
  };
}

/**
 * Documents one after the other. The sequence is the second of the change, so that it rises over restarts, and is about
 * the same wherever several sidecars serve one trust domain.
 */
export class ServedDocument {
  readonly #refreshHintMs: number;
  #keys = '';
  #sequence = 0;
  #text = '';

  constructor(refreshHintMs: number) {
    this.#refreshHintMs = refreshHintMs;
  }

  /** JSON. */
  get text(): string {
    return this.#text;
  }

  /** Another bundle, or the same one, which changes nothing. */
  update(keys: readonly object[], nowMs: number): void {
    const text = JSON.stringify(keys);
    if (text === this.#keys) return;
    this.#keys = text;
    this.#sequence = Math.max(this.#sequence + 1, Math.floor(nowMs / 1000));
    const hint = Math.ceil(this.#refreshHintMs / 1000);
    this.#text = `{"keys":${text},"spiffe_sequence":${this.#sequence},"spiffe_refresh_hint":${hint}}\n`;
  }
}
