// An issuer of tokens on loopback: its discovery document and keys over HTTPS, tokens as it would sign them.

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** A key that it signs with. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey | KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** Makes a key pair. */
export async function signingKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** One RSA key for each of these algorithms: a pair takes long to make. */
export function rsaKeys(algorithms: readonly string[]): SigningKey[] {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = publicKey.export({ format: 'jwk' });
  return algorithms.map((alg) => ({ kid: alg, alg, privateKey, jwk: { ...jwk, kid: alg, alg, use: 'sig' } }));
}

/** Signs claims as they are; nothing is added to them. */
export function signToken(
  key: SigningKey,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return new SignJWT(claims as JWTPayload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey);
}

/** Claims that hold for five minutes. */
export function freshClaims(nowMs: number, claims: JWTPayload): JWTPayload {
  const now = Math.floor(nowMs / 1000);
  return { iat: now, nbf: now, exp: now + 300, jti: crypto.randomUUID(), ...claims };
}

export class TokenIssuerServer {
  readonly #server: https.Server;
  keys: readonly SigningKey[];
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** What is sent in place of the key set. */
  answer: ((response: import('node:http').ServerResponse) => void) | null = null;

  private constructor(server: https.Server, keys: readonly SigningKey[]) {
    this.#server = server;
    this.keys = keys;
  }

  /** Listens on a free port of `localhost`. */
  static async start(tls: { readonly cert: string; readonly key: string }): Promise<TokenIssuerServer> {
    const server = https.createServer(tls);
    const issuer = new TokenIssuerServer(server, [await signingKey('key-1')]);
    server.on('request', (request, response) => {
      issuer.asked.push(request.url ?? '');
      response.setHeader('content-type', 'application/json');
      if (request.url === '/.well-known/openid-configuration') {
        return response.end(JSON.stringify({ issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/keys` }));
      }
      if (issuer.answer !== null) return issuer.answer(response);
      response.end(JSON.stringify({ keys: issuer.keys.map((key) => key.jwk) }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return issuer;
  }

  /** Its `iss`. */
  get issuer(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A token of its first key. */
  mint(claims: JWTPayload, header: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return signToken(this.keys[0]!, freshClaims(Date.now(), { iss: this.issuer, ...claims }), header);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
