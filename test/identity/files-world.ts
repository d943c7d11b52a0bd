// A folder with an identity and a source on it, for the tests of the files source.

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PosternError } from '../../src/errors.ts';
import { createDevCa, type DevCa } from '../../src/identity/dev-ca.ts';
import { type FilesSourceOptions, openFilesSource } from '../../src/identity/files-source.ts';
import type { IdentitySource } from '../../src/identity/source.ts';
import type { X509Svid } from '../../src/identity/x509-svid.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { temporaryFolder } from './folders.ts';

export const spiffeId = 'spiffe://a.example/ns/payments/api';
/** A time that no test waits for, milliseconds. */
const never = 3_600_000;

/** A folder with an identity, and a source on it. */
export class FilesWorld {
  readonly dir = temporaryFolder();
  readonly refused: PosternError[] = [];
  readonly warned: PosternError[] = [];
  readonly thrown: unknown[] = [];
  readonly ca: DevCa;
  source!: IdentitySource;

  constructor(ca: DevCa) {
    this.ca = ca;
  }

  static async make(): Promise<FilesWorld> {
    const world = new FilesWorld(await createDevCa({ dir: join(temporaryFolder(), 'ca'), trustDomain: 'a.example' }));
    world.write('bundle.pem', world.ca.bundlePem);
    await world.rotate();
    return world;
  }

  async open(more: Partial<FilesSourceOptions> = {}, clock: Clock = systemClock): Promise<IdentitySource> {
    this.source = await openFilesSource({
      certFile: join(this.dir, 'tls.crt'),
      keyFile: join(this.dir, 'tls.key'),
      bundleFile: join(this.dir, 'bundle.pem'),
      federation: [],
      clock,
      pollMs: never,
      patienceMs: 40,
      retryMs: 10,
      refusedRetryMs: never,
      onRefused: (error) => void this.refused.push(error),
      onWarning: (error) => void this.warned.push(error),
      onListenerError: (error) => void this.thrown.push(error),
      ...more,
    });
    return this.source;
  }

  write(name: string, text: string, mode = 0o600): string {
    const file = join(this.dir, name);
    writeFileSync(`${file}.new`, text, { mode });
    renameSync(`${file}.new`, file);
    return file;
  }

  async rotate(): Promise<X509Svid> {
    const svid = await this.ca.issue({ spiffeId });
    this.write('tls.key', svid.keyPem);
    this.write('tls.crt', svid.certChainPem);
    return svid;
  }
}

/** Opens a world, and closes it when the test ends. */
export async function opened(
  t: { after(fn: () => Promise<void>): void },
  more: Partial<FilesSourceOptions> = {},
): Promise<FilesWorld> {
  const world = await FilesWorld.make();
  await world.open(more);
  t.after(() => world.source.close());
  return world;
}
