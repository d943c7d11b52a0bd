// Trust domains with CAs, identities that rotate, and bundle endpoints, all in this process, over real sockets.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SecureVersion } from 'node:tls';
import type { PosternError } from '../../src/errors.ts';
import { openBundleServer } from '../../src/federation/bundle-server.ts';
import { pollDefaults } from '../../src/federation/endpoint-poll.ts';
import type { BundleEndpoint } from '../../src/federation/federation-options.ts';
import { type JoinedSource, type JoinedSourceOptions, openJoinedSource } from '../../src/federation/joined-source.ts';
import { BundleSet } from '../../src/identity/bundle-set.ts';
import { createDevCa, type DevCa } from '../../src/identity/dev-ca.ts';
import { type JwtBundles, readJwtBundle } from '../../src/identity/jwt-bundle.ts';
import { RevocationList } from '../../src/identity/revocation-list.ts';
import type { IdentitySnapshot, IdentitySource, IdentityStatus } from '../../src/identity/source.ts';
import { parseTrustBundle, type TrustBundle } from '../../src/identity/trust-bundle.ts';
import { TrustDomain } from '../../src/identity/trust-domain.ts';
import type { X509Svid } from '../../src/identity/x509-svid.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { LatestValue } from '../../src/lib/latest.ts';

export type Lived = { after(fn: () => Promise<void> | void): void };

const fail = (error: unknown): void => {
  throw error;
};

/** A bundle endpoint of a domain. */
export interface Served {
  readonly url: string;
  readonly port: number;
  readonly answers: ReadonlyMap<number, number>;
  close(): Promise<void>;
}

/** A trust domain whose identity and bundle a test changes at will. */
export class Domain {
  readonly name: string;
  readonly id: string;
  readonly dir: string;
  cas: DevCa[] = [];
  svid!: X509Svid;
  readonly jwtBundles = new LatestValue<JwtBundles>(new Map(), fail);
  snapshot!: LatestValue<IdentitySnapshot>;
  readonly #others: TrustBundle[] = [];
  #made = 0;

  private constructor(name: string, dir: string) {
    this.name = name;
    this.dir = dir;
    this.id = `spiffe://${name}/bundle-server`;
  }

  static async make(t: Lived, name: string): Promise<Domain> {
    const dir = mkdtempSync(path.join(tmpdir(), 'postern-federation-'));
    t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 20 }));
    const domain = new Domain(name, dir);
    await domain.addCa();
    await domain.rotate();
    return domain;
  }

  /** A further CA; it issues from now on. */
  async addCa(): Promise<DevCa> {
    const ca = await createDevCa({ dir: path.join(this.dir, `ca-${this.#made++}`), trustDomain: this.name });
    this.cas.push(ca);
    return ca;
  }

  get bundlePem(): string {
    return this.cas.map((ca) => ca.bundlePem).join('');
  }

  /** Another SVID of the newest CA, and the bundle of now. */
  async rotate(): Promise<void> {
    this.svid = await this.cas.at(-1)!.issue({ spiffeId: this.id, dnsNames: ['localhost'] });
    this.publish();
  }

  publish(): void {
    const own = parseTrustBundle({ text: this.bundlePem, file: 'bundle', trustDomain: TrustDomain.parse(this.name) });
    const revision = (this.snapshot?.current.revision ?? 0) + 1;
    const next = { revision, svid: this.svid, bundles: new BundleSet([own, ...this.#others]) };
    if (this.snapshot === undefined) this.snapshot = new LatestValue<IdentitySnapshot>(next, fail);
    else this.snapshot.publish(next);
  }

  /** As if it came from a file or an agent. */
  hold(other: Domain): void {
    this.holdPem(other.name, other.bundlePem);
  }

  /** As `hold`, for CAs made elsewhere. */
  holdPem(name: string, text: string): void {
    const trustDomain = TrustDomain.parse(name);
    const bundle = parseTrustBundle({ text, file: 'other', trustDomain });
    const at = this.#others.findIndex((one) => one.trustDomain.equals(trustDomain));
    this.#others.splice(at < 0 ? this.#others.length : at, 1, bundle);
    this.publish();
  }

  giveJwtKeys(...keyIds: string[]): void {
    const trustDomain = TrustDomain.parse(this.name);
    const keys = keyIds.map((kid) => ({ kty: 'EC', use: 'jwt-svid', kid, crv: 'P-256', x: 'AA', y: 'BB' }));
    this.jwtBundles.publish(new Map([[this.name, readJwtBundle(JSON.stringify({ keys }), trustDomain)!]]));
  }

  /** The identity of this domain as a source gives it. */
  source(): IdentitySource {
    const { snapshot, jwtBundles } = this;
    const status: IdentityStatus = {
      source: 'files',
      endpoint: null,
      nextRotationMs: null,
      lastUpdateMs: 0,
      streams: [],
      fault: null,
    };
    return {
      get current() {
        return snapshot.current;
      },
      subscribe: (listener) => snapshot.subscribe(listener),
      jwtBundles,
      status,
      refresh: async () => {},
      close: async () => {},
    };
  }

  /** Serves its bundle; gives the URL. */
  async serve(t: Lived, port = 0): Promise<Served> {
    const server = await openBundleServer(
      { listen: { kind: 'tcp', host: '127.0.0.1', port }, profile: { kind: 'https_spiffe' }, refreshHintMs: 300_000 },
      { identity: this.source(), clock: systemClock, reusePort: false, onRefused: fail, onError: fail },
    );
    t.after(() => server.close());
    const bound = server.address.kind === 'tcp' ? server.address.port : 0;
    return { url: `https://localhost:${bound}/`, port: bound, answers: server.answers, close: () => server.close() };
  }
}

/** How an endpoint of `of` is asked, by its SPIFFE ID unless changed. */
export function endpointOf(of: Domain, url: string, changed: Partial<BundleEndpoint> = {}): BundleEndpoint {
  const profile = { kind: 'https_spiffe', spiffeId: of.id } as const;
  return { trustDomain: of.name, url, profile, refreshMs: 50, hasFile: true, ...changed };
}

export interface Joined {
  readonly source: JoinedSource;
  readonly warned: PosternError[];
  readonly refused: PosternError[];
}

/** The identity of a domain, joined with endpoints and revocation lists. */
export async function join(t: Lived, domain: Domain, changed: Partial<JoinedSourceOptions>): Promise<Joined> {
  const [warned, refused]: [PosternError[], PosternError[]] = [[], []];
  const source = await openJoinedSource(domain.source(), {
    endpoints: [],
    crlFiles: [],
    expiredCrl: 'refuse',
    revocations: new LatestValue(RevocationList.empty, fail),
    timings: { ...pollDefaults, firstRetryMs: 20 },
    clock: systemClock,
    random: Math.random,
    onRefused: (error) => refused.push(error),
    onWarning: (error) => warned.push(error),
    onListenerError: fail,
    ...changed,
  });
  t.after(() => source.close());
  return { source, warned, refused };
}

/** What a server of a test does with a connection once TLS stands. */
export type Behaviour = (socket: Socket) => void;

/** An HTTPS server that does whatever a test wants, with the certificate of a domain; gives its URL. */
export async function hostileServer(
  t: Lived,
  domain: Domain,
  behave: Behaviour,
  maxVersion: SecureVersion = 'TLSv1.3',
): Promise<string> {
  const { certChainPem: cert, keyPem: key } = domain.svid;
  const server: Server = createServer({ cert, key, minVersion: 'TLSv1', maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => behave(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}/`;
}

/** One HTTP answer. */
export function answer(body: string, { status = '200 OK', fields = '' } = {}): string {
  return `HTTP/1.1 ${status}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${fields}\r\n${body}`;
}
