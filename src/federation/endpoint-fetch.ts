// Fetches one document from a bundle endpoint (SPIFFE Federation §5.2): TLS 1.2 or later, the server known before a byte
// is asked for, no redirects, and a bound on time and size. What the server does can only end the attempt.

import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { PosternError } from '../errors.ts';
import { shown } from '../identity/shown-text.ts';

/** Why there is no document, as metrics count it; a closed list. */
export type FetchFault =
  | 'unreachable'
  | 'timeout'
  | 'tls'
  | 'identity'
  | 'redirect'
  | 'status'
  | 'too_large'
  | 'protocol'
  | 'document'
  | 'sequence';

export type FetchOutcome =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly fault: FetchFault; readonly error: PosternError };

/** Who the server is found to be: null where it is the one that is asked, else why not. */
export type JudgeServer = (chain: {
  readonly leaf: X509Certificate;
  readonly intermediates: readonly X509Certificate[];
}) => string | null;

export interface FetchOptions {
  readonly url: string;
  /** How TLS verifies the server. */
  readonly tls: Pick<ConnectionOptions, 'ca' | 'allowPartialTrustChain' | 'checkServerIdentity'>;
  /** Asked once TLS has verified it; null: nothing more is asked. */
  readonly judge: JudgeServer | null;
  /** Time for all of it, milliseconds. */
  readonly timeoutMs: number;
  readonly mostBytes: number;
  /** Gives it up. */
  readonly signal: AbortSignal;
}

const mostHeaderBytes = 16 * 1024;
const longestChain = 8;

/** Never rejects. */
export async function fetchDocument(options: FetchOptions): Promise<FetchOutcome> {
  const deadline = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  let socket: TLSSocket | null = null;
  try {
    const opened = openSocket(options);
    socket = opened.socket;
    await withDeadline(opened.secured, deadline);
    judgeServer(socket, options);
    return { ok: true, text: await withDeadline(readAnswer(socket, options), deadline) };
  } catch (error) {
    return { ok: false, ...faultOf(error, options, deadline) };
  } finally {
    socket?.destroy();
  }
}

/** A fault with its name, on its way to `fetchDocument`. */
class NamedFault extends Error {
  readonly fault: FetchFault;

  constructor(fault: FetchFault, what: string) {
    super(what);
    this.fault = fault;
  }
}

function openSocket({ url, tls }: FetchOptions): { socket: TLSSocket; secured: Promise<void> } {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isConnected = false;
  const socket = connect({
    host,
    port: port === '' ? 443 : Number(port),
    ...servername,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    ...tls,
  });
  socket.once('connect', () => {
    isConnected = true;
  });
  socket.once('secureConnect', resolve);
  // Stays for the life of the socket: an error nobody hears would end the process.
  socket.on('error', (error: NodeJS.ErrnoException) => {
    const code = error.code ?? error.message;
    reject(
      new NamedFault(
        isConnected ? 'tls' : 'unreachable',
        isConnected ? `refuses TLS (${code})` : `cannot be reached (${code})`,
      ),
    );
  });
  socket.once('close', () => reject(new NamedFault('tls', 'closed the connection within the handshake')));
  return { socket, secured: promise };
}

function judgeServer(socket: TLSSocket, { judge }: FetchOptions): void {
  if (judge === null) return;
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) throw new NamedFault('identity', 'showed no certificate');
  const intermediates: X509Certificate[] = [];
  for (let next = leaf.issuerCertificate; next !== undefined; next = next.issuerCertificate) {
    const below = intermediates.at(-1) ?? leaf;
    if (intermediates.length === longestChain || next.fingerprint256 === below.fingerprint256) break;
    intermediates.push(next);
  }
  const against = judge({ leaf, intermediates });
  if (against !== null) throw new NamedFault('identity', against);
}

async function readAnswer(socket: TLSSocket, { url, mostBytes }: FetchOptions): Promise<string> {
  // Not `import`: see admin/admin-server.ts.
  const http = process.getBuiltinModule('node:http');
  const { host, pathname, search } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = http.request({
    createConnection: () => socket,
    method: 'GET',
    path: pathname + search,
    headers: { host, accept: 'application/json', 'accept-encoding': 'identity', connection: 'close' },
    maxHeaderSize: mostHeaderBytes,
    setHost: false,
  });
  request.once('response', resolve);
  request.on('error', (error) => reject(protocolFault(error)));
  request.on('upgrade', () => reject(new NamedFault('protocol', 'answered with another protocol')));
  request.end();
  const answer = await promise;
  assertAnswer(answer, mostBytes);
  return readBody(answer, mostBytes);
}

function assertAnswer({ statusCode = 0, headers }: IncomingMessage, mostBytes: number): void {
  if (statusCode >= 300 && statusCode < 400) {
    throw new NamedFault('redirect', `answered ${statusCode} with a redirect, which is not followed`);
  }
  if (statusCode !== 200) throw new NamedFault('status', `answered ${statusCode}`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new NamedFault('protocol', `encoded its answer as ${shown(encoding)}`);
  if (Number(headers['content-length'] ?? 0) > mostBytes) throw tooLarge(mostBytes);
}

async function readBody(answer: IncomingMessage, mostBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > mostBytes) throw tooLarge(mostBytes);
      parts.push(part);
    }
  } catch (error) {
    throw error instanceof NamedFault ? error : protocolFault(error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    throw new NamedFault('document', 'sent text that is not UTF-8');
  }
}

function tooLarge(mostBytes: number): NamedFault {
  return new NamedFault('too_large', `sent more than ${mostBytes} bytes`);
}

function protocolFault(error: unknown): NamedFault {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown fault';
  return new NamedFault('protocol', `broke off or sent what is no HTTP (${code})`);
}

/** Rejects when the deadline comes first; the promise that is left behind is heard, so that it rejects nobody. */
async function withDeadline<T>(work: Promise<T>, deadline: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new NamedFault('timeout', 'took too long'));
  work.catch(() => {});
  if (deadline.aborted) onAbort();
  deadline.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    deadline.removeEventListener('abort', onAbort);
  }
}

function faultOf(error: unknown, { url, timeoutMs }: FetchOptions, deadline: AbortSignal) {
  const named = error instanceof NamedFault ? error : new NamedFault('protocol', String((error as Error).message));
  const isLate = deadline.aborted;
  const what = isLate ? `did not give its bundle within ${timeoutMs} ms` : named.message;
  const cause = { cause: error };
  return { fault: isLate ? 'timeout' : named.fault, error: endpointFault(url, what, cause) } as const;
}

/** A coded fault of an endpoint. */
export function endpointFault(url: string, what: string, details: { readonly cause?: unknown } = {}): PosternError {
  return new PosternError('ERR_BUNDLE_ENDPOINT', `the bundle endpoint ${shown(url)} ${what}`, details);
}
