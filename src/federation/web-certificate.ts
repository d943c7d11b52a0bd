// Certificate and key of a bundle endpoint that serves as `https_web`, from files that are watched. A pair that does not
// fit is refused, and the last good one stays.

import { createSecureContext } from 'node:tls';
import { PosternError } from '../errors.ts';
import { textOf } from '../identity/bundle-files.ts';
import { readFileSet } from '../identity/identity-files.ts';
import { shown } from '../identity/shown-text.ts';
import { type FileWatch, watchFiles } from '../lib/file-watch.ts';

export interface WebCertificateOptions {
  readonly certFile: string;
  readonly keyFile: string;
  readonly onChange: () => void;
  readonly onRefused: (error: unknown) => void;
  readonly onListenerError: (error: unknown) => void;
}

const pollMs = 5_000;
/** Certificate and key are not replaced at one moment. */
const settleMs = 200;

interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

export class WebCertificate {
  readonly #options: WebCertificateOptions;
  #watch: FileWatch | null = null;
  #current: CertificatePair;

  private constructor(options: WebCertificateOptions, first: CertificatePair) {
    this.#options = options;
    this.#current = first;
  }

  /** Reads both and starts to watch them. @throws PosternError ERR_IDENTITY_FILE, ERR_SVID_CERTIFICATE */
  static async open(options: WebCertificateOptions): Promise<WebCertificate> {
    const pair = new WebCertificate(options, await readPair(options));
    const onChange = (): void => void pair.#readAgain().catch(options.onListenerError);
    const paths = [options.certFile, options.keyFile];
    pair.#watch = watchFiles({ paths, pollMs, settleMs, onChange, onError: options.onListenerError });
    await pair.#watch.ready;
    await pair.#readAgain();
    return pair;
  }

  get current(): CertificatePair {
    return this.#current;
  }

  close(): void {
    this.#watch?.close();
  }

  async #readAgain(): Promise<void> {
    try {
      const next = await readPair(this.#options);
      if (next.cert === this.#current.cert && next.key === this.#current.key) return;
      this.#current = next;
      this.#options.onChange();
    } catch (error) {
      this.#options.onRefused(error);
    }
  }
}

async function readPair({ certFile, keyFile }: WebCertificateOptions): Promise<CertificatePair> {
  const texts = await readFileSet([certFile, keyFile]);
  const pair = { cert: textOf(texts, certFile), key: textOf(texts, keyFile) };
  try {
    // Reads both and refuses a key that does not fit.
    createSecureContext(pair);
  } catch (cause) {
    const what = `${shown(certFile)} and ${shown(keyFile)} are no certificate with its key`;
    throw new PosternError('ERR_SVID_CERTIFICATE', what, { cause });
  }
  return Object.freeze(pair);
}
