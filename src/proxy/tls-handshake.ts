// One TLS handshake, from an accepted socket to a peer whose chain OpenSSL verified, or to a refusal with its cause. The
// TLS socket is made here and not by a `tls.Server`, which cuts an unverified peer off before anybody can say who it was.

import type { X509Certificate } from 'node:crypto';
import type net from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { PeerChain } from './peer-right.ts';

/** Why a handshake failed. `aborted`: the peer left, nobody was refused; `dropped`: it had to make room. */
export interface HandshakeFailure {
  readonly kind: 'aborted' | 'timeout' | 'dropped' | 'refused';
  /** Closed code for the record. */
  readonly cause: string;
  readonly detail: string;
  readonly chain: PeerChain | null;
}

/** Whether a peer is asked for a certificate, and may have none. One that is shown must hold. */
export type ClientCertificate = 'required' | 'optional' | 'none';

export interface HandshakeOptions {
  readonly context: SecureContext;
  readonly clientCertificate: ClientCertificate;
  readonly alpn: OfferedProtocols;
  /** `chain` null: no certificate was asked for, or the peer has none and needs none. */
  readonly onDone: (socket: TLSSocket, chain: PeerChain | null) => void;
  readonly onFailed: (failure: HandshakeFailure, socket: TLSSocket) => void;
}

/** What a peer may choose by ALPN; `none`: whatever it wants to speak is its matter. */
export type OfferedProtocols = 'none' | 'http/1.1' | 'h2 and http/1.1';

/** Names behind their lengths (RFC 7301 §3.1): Node would put a list of them into this form for each connection. */
const alpnProtocols = Object.freeze({
  none: {},
  'http/1.1': { ALPNProtocols: Buffer.from('\x08http/1.1', 'latin1') },
  'h2 and http/1.1': { ALPNProtocols: Buffer.from('\x02h2\x08http/1.1', 'latin1') },
});

/** More certificates than any sane chain has; the rest is not looked at. */
const maxChain = 8;

/** OpenSSL's words for what peers do wrong, as closed causes. */
const causes: ReadonlyMap<string, string> = new Map([
  ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 'no_certificate'],
  ['ERR_SSL_HTTP_REQUEST', 'plaintext'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'tls_version'],
  ['ERR_SSL_NO_SHARED_CIPHER', 'no_shared_cipher'],
  ['ERR_SSL_NO_SUITABLE_KEY_SHARE', 'no_shared_curve'],
  ['ERR_SSL_NO_APPLICATION_PROTOCOL', 'no_shared_alpn'],
  ['ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS', 'no_shared_signature'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'not_tls'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'untrusted_issuer'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'untrusted_issuer'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'untrusted_issuer'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'untrusted_issuer'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'untrusted_issuer'],
  ['CERT_HAS_EXPIRED', 'certificate_expired'],
  ['INVALID_PURPOSE', 'wrong_key_usage'],
]);

/**
 * Begins a handshake on an accepted socket, whose first bytes may have been read already; at most one of the callbacks is
 * called, once. Returns how to end it without.
 */
export function beginHandshake(raw: net.Socket, options: HandshakeOptions): () => void {
  const socket = new TLSSocket(raw, {
    isServer: true,
    secureContext: options.context,
    requestCert: options.clientCertificate !== 'none',
    // Makes OpenSSL refuse a peer without a certificate within the handshake.
    rejectUnauthorized: options.clientCertificate === 'required',
    ...alpnProtocols[options.alpn],
  });
  let isOver = false;
  const fail = (failure: HandshakeFailure): void => {
    if (isOver) return;
    isOver = true;
    options.onFailed(failure, socket);
    socket.destroy();
  };
  const onError = (error: Error): void => {
    fail(failureOf(error));
    // After the handshake a TLS error reaches nobody else: the control of a server's socket was never released.
    socket.destroy();
  };
  socket.on('_tlsError', onError);
  socket.on('error', onError);
  const left = () => fail(peerLeft);
  socket.on('end', left);
  socket.on('close', left);
  socket.once('secure', () => {
    if (isOver) return;
    const chain = verify(socket, options.clientCertificate);
    if (chain !== null && 'cause' in chain) return fail(chain);
    isOver = true;
    socket.off('end', left);
    socket.off('close', left);
    options.onDone(socket, chain);
  });
  return () => {
    isOver = true;
    socket.destroy();
  };
}

/** The peer left before its handshake was over. */
export const peerLeft: HandshakeFailure = Object.freeze({
  kind: 'aborted',
  cause: 'peer_left',
  detail: 'the peer left within the handshake',
  chain: null,
});

function failureOf(error: Error): HandshakeFailure {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
  if (code === 'ECONNRESET' || code === 'EPIPE') return peerLeft;
  const cause = causes.get(code) ?? (code.startsWith('ERR_SSL_TLSV1') ? 'peer_refused_us' : 'handshake_failed');
  return { kind: 'refused', cause, detail: `handshake failed: \`${code}\``, chain: null };
}

/** What OpenSSL made of the chain. Never the `authorized` flag: only the certificate counts (nodejs/node#35317). */
function verify(socket: TLSSocket, asked: ClientCertificate): PeerChain | HandshakeFailure | null {
  if (asked === 'none') return null;
  const chain = shownChain(socket);
  if (chain === null && asked === 'optional') return null;
  if (chain === null) return { kind: 'refused', cause: 'no_certificate', detail: 'no certificate was shown', chain };
  const error = opensslVerdict(socket);
  if (error === null || error === leftToSecondStep) return chain;
  const cause = causes.get(error) ?? 'certificate_invalid';
  return { kind: 'refused', cause, detail: `the certificate chain was refused: \`${error}\``, chain };
}

/** The chain of the server that a handshake of ours reached, or why OpenSSL refused it. */
export function serverChain(socket: TLSSocket): PeerChain | HandshakeFailure {
  return verify(socket, 'required') ?? peerLeft;
}

/**
 * wire.md grants a beginning 60 seconds of skew, OpenSSL none. The code of a beginning ahead may hide another one; whoever
 * judges the chain next builds its path anew and asks everything again, the beginning too.
 */
const leftToSecondStep = 'CERT_NOT_YET_VALID';

interface VerifyingHandle {
  verifyError?: () => (Error & { code?: string }) | null | undefined;
}

/** The code of OpenSSL's verdict, or null for a good one. Node has no public name for it; without it nobody gets in. */
function opensslVerdict(socket: TLSSocket): string | null {
  const handle = (socket as unknown as { ssl?: VerifyingHandle | null }).ssl;
  if (typeof handle?.verifyError !== 'function') return 'VERDICT_UNAVAILABLE';
  const error = handle.verifyError();
  if (error === null || error === undefined) return null;
  // Node has codes for the most frequent verdicts only; OpenSSL has words for all.
  return error.code === undefined || error.code === 'UNSPECIFIED' ? error.message : error.code;
}

function shownChain(socket: TLSSocket): PeerChain | null {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return null;
  const intermediates: X509Certificate[] = [];
  let next = leaf.issuerCertificate;
  while (next !== undefined && intermediates.length < maxChain) {
    if (next.fingerprint256 === (intermediates.at(-1) ?? leaf).fingerprint256) break;
    intermediates.push(next);
    next = next.issuerCertificate;
  }
  return { leaf, intermediates };
}
