// Revocation lists from files (config: identity.crl), PEM or DER. Watched; a file that cannot be used keeps its last good
// lists, so that a bad copy gives no right back.

import { isPosternError, type PosternError } from '../errors.ts';
import { type FileWatch, watchFiles } from '../lib/file-watch.ts';
import { atOnce, inTurns, type Steps } from '../lib/steps.ts';
import { textOf } from './bundle-files.ts';
import { type Crl, crlInSteps } from './crl.ts';
import { crlFault } from './crl-rows.ts';
import { crlStanding } from './crl-set.ts';
import type { CrlSigner } from './crl-signature.ts';
import { type FileText, readFileSet } from './identity-files.ts';
import { clockSkewMs } from './leaf-rules.ts';
import { pemBlocks } from './pem.ts';

export interface CrlFilesOptions {
  /** Absolute. */
  readonly files: readonly string[];
  /** Time between two looks at the files, milliseconds. */
  readonly pollMs: number;
  /** The CAs at hand now. */
  readonly authorities: () => readonly CrlSigner[];
  readonly nowMs: () => number;
  /** Other lists are in force. */
  readonly onChange: () => void;
  /** A file was refused, and its last good lists stay. */
  readonly onRefused: (error: PosternError) => void;
  readonly onListenerError: (error: unknown) => void;
}

/** Default: a change that notification misses is seen within a second. */
export const crlFilesDefaults = Object.freeze({ pollMs: 1_000 });

const settleMs = 50;

/** Watched files of revocation lists, and their last good lists. */
export class CrlFiles {
  readonly #options: CrlFilesOptions;
  readonly #lists = new Map<string, readonly Crl[]>();
  #watch: FileWatch | null = null;
  #reading: Promise<void> = Promise.resolve();
  #refused = 0;

  constructor(options: CrlFilesOptions) {
    this.#options = options;
  }

  get current(): readonly Crl[] {
    return [...this.#lists.values()].flat();
  }

  /** Files that were refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  /** Reads the files and starts to watch them. @throws PosternError for the first file that cannot be used: a start must not forget whom a CA revoked */
  async open(): Promise<void> {
    const opening = this.#options.files.length === 0 ? Promise.resolve() : this.#open();
    // A change that comes meanwhile is read after it.
    this.#reading = opening.catch(() => {});
    await opening;
  }

  async #open(): Promise<void> {
    const { files, pollMs, onListenerError } = this.#options;
    this.#watch = watchFiles({
      paths: files,
      pollMs,
      settleMs,
      onChange: () => void this.refresh(),
      onError: onListenerError,
    });
    await this.#watch.ready;
    try {
      const texts = await readFileSet(files);
      for (const file of files) this.#lists.set(file, await this.#read(texts, file));
    } catch (error) {
      this.#watch.close();
      throw error;
    }
  }

  /** Reads again; also of use where the CAs changed, whose signatures the lists bear. */
  refresh(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#readAgain()).catch(this.#options.onListenerError);
    return this.#reading;
  }

  async close(): Promise<void> {
    this.#watch?.close();
    await this.#reading;
  }

  async #readAgain(): Promise<void> {
    const { files, onRefused, onChange } = this.#options;
    const before = this.#digest();
    const texts = await readFileSet(files);
    for (const file of files) {
      try {
        this.#lists.set(file, await this.#read(texts, file));
      } catch (error) {
        if (!isPosternError(error)) throw error;
        this.#refused++;
        onRefused(error);
      }
    }
    if (this.#digest() !== before) onChange();
  }

  async #read(texts: ReadonlyMap<string, FileText>, file: string): Promise<readonly Crl[]> {
    const { authorities, nowMs } = this.#options;
    const lists = await inTurns(crlsInSteps(textOf(texts, file), file));
    for (const crl of lists) {
      if (crl.thisUpdateMs > nowMs() + clockSkewMs) throw crlFault(file, 'is of the future', 'check the clocks');
      if (crlStanding(crl, authorities()) === 'forged') {
        throw crlFault(file, `names CA ${crl.issuer} as its issuer, whose key did not sign it`);
      }
      const known = this.#lists.get(file)?.find((one) => isSamePart(one, crl));
      if (known !== undefined && known.thisUpdateMs > crl.thisUpdateMs) {
        throw crlFault(file, 'is older than the one in force', 'write the newest one of its CA to it');
      }
    }
    return lists;
  }

  #digest(): string {
    return this.current.map((crl) => crl.fingerprintSha256).join(' ');
  }
}

function isSamePart(a: Crl, b: Crl): boolean {
  return a.issuerDer === b.issuerDer && a.authorityKeyId === b.authorityKeyId && a.scope === b.scope;
}

/** The lists of a file: PEM blocks, or one list in DER; at least one. @throws PosternError ERR_CRL_INVALID */
export function readCrls(text: string, file: string): readonly Crl[] {
  return atOnce(crlsInSteps(text, file));
}

function* crlsInSteps(text: string, file: string): Steps<readonly Crl[]> {
  if (text.charCodeAt(0) === 0x30) return [yield* crlInSteps(Buffer.from(text, 'latin1'), file)];
  const blocks = pemBlocks(text).filter(({ label }) => label === 'X509 CRL');
  const begun = text.split('-----BEGIN X509 CRL-----').length - 1;
  if (blocks.length === 0 || begun !== blocks.length) {
    throw crlFault(file, blocks.length < begun ? 'has a CRL that is cut short' : 'holds no CRL');
  }
  const lists: Crl[] = [];
  for (const block of blocks) {
    const der = yield* derOf(block.text, file);
    lists.push(yield* crlInSteps(der, file));
  }
  return lists;
}

function* derOf(block: string, file: string): Steps<Uint8Array> {
  yield;
  const base64 = block.replaceAll(/-----[A-Z0-9 ]+-----|\s/g, '');
  yield;
  const der = Buffer.from(base64, 'base64');
  // Node passes over what is no base64; a regular expression takes ten times as long to find it.
  if (der.length === 0 || der.toString('base64') !== base64) throw crlFault(file, 'is not PEM');
  yield;
  return der;
}
