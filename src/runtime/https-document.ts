// Gets a small document from a server that others run: over https only, within a time and a size, never elsewhere than
// asked (no redirects), and with the bearer token only for the server it is for.

import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { PosternError } from '../errors.ts';

export interface HttpsDocumentOptions {
  /** CA certificates, PEM, read for each fetch; null: those of the system. */
  readonly caFile: string | null;
  /** File with a bearer token, read for each fetch; sent to `bearerOrigin` alone. */
  readonly bearerFile: string | null;
  readonly bearerOrigin: string;
  readonly timeoutMs: number;
  /** Ends it before its time. */
  readonly signal: AbortSignal;
  readonly mostBytes: number;
}

/** The text of the document at `url`. @throws PosternError ERR_TOKEN_KEYS saying what went wrong */
export async function fetchHttpsDocument(url: string, options: HttpsDocumentOptions): Promise<string> {
  try {
    const { origin } = new URL(url);
    const ca = options.caFile === null ? undefined : await readCas(options.caFile);
    const isFor = options.bearerFile !== null && origin === options.bearerOrigin;
    const bearer = isFor ? (await readFile(options.bearerFile, 'utf8')).trim() : null;
    return await get(url, { ca, bearer, options });
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new PosternError('ERR_TOKEN_KEYS', `cannot get \`${url}\`: ${why}`, { cause });
  }
}

/** INVARIANT: never nothing, for which Node trusts the public CAs. */
async function readCas(file: string): Promise<Buffer> {
  const text = await readFile(file);
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error(`\`${file}\` holds no certificate in PEM`);
  return text;
}

interface Asked {
  readonly ca: Buffer | undefined;
  readonly bearer: string | null;
  readonly options: HttpsDocumentOptions;
}

async function get(url: string, { ca, bearer, options }: Asked): Promise<string> {
  const { timeoutMs, mostBytes } = options;
  const headers = { accept: 'application/json', ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }) };
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([options.signal, timeout]);
  const request = https.get(url, { agent: false, headers, signal, maxHeaderSize: 16_384, ...(ca && { ca }) });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', (error) => reject(timeout.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error));
  });
  if (answer.statusCode !== 200) {
    answer.destroy();
    throw new Error(`status ${answer.statusCode ?? 0}`);
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > mostBytes) throw new Error(`larger than ${mostBytes} bytes`);
    pieces.push(piece);
  }
  if (!answer.complete) throw new Error('broken off');
  return Buffer.concat(pieces).toString('utf8');
}
