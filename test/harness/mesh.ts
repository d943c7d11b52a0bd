// A small world for end-to-end tests: a trust domain with its CA, a sidecar configuration before a workload, callers.

import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createDevCa, type DevCa } from '../../src/identity/dev-ca.ts';
import { freePort } from './free-port.ts';
import type { PeerCredentials } from './raw-peer.ts';
import { put, SidecarProcess, temporaryFolder } from './sidecar-process.ts';

const seedFile = path.resolve(import.meta.dirname, '../fixtures/policies/payment-service-access.yaml');

/** The seed policy, byte for byte. */
export const seedPolicy = readFileSync(seedFile, 'utf8');

/** Lets everybody of the trust domain read and write: for tests that are about something else. */
export const openPolicy = `policy "open":
  principals: { type: workload, spiffe_id: "spiffe://prod.acme.com/**" }
  rules:
    - name: all
      effect: allow
      actions: [read, write]
`;

export interface MeshOptions {
  readonly workloadPort: number;
  readonly policy?: string;
  /** How the workload is spoken to; `http` when left out. */
  readonly scheme?: 'http' | 'h2c' | 'auto';
  /** YAML of further keys of the listener, indented by four spaces. */
  readonly inbound?: string;
  /** A second trust domain, federated. */
  readonly otherTrustDomain?: string;
  /** Port of the admin API where `sections` writes it; else a free one. */
  readonly adminPort?: number;
  /** YAML of whole sections, replacing the default ones of the same name. */
  readonly sections?: Readonly<Record<string, string>>;
}

export class Mesh {
  readonly dir: string;
  readonly ca: DevCa;
  readonly other: DevCa | null;
  readonly port: number;
  readonly adminPort: number;
  readonly configFile: string;
  readonly journalDir: string;
  readonly policyFile: string;

  private constructor(
    parts: Pick<Mesh, 'dir' | 'ca' | 'other' | 'port' | 'adminPort' | 'configFile' | 'journalDir' | 'policyFile'>,
  ) {
    this.dir = parts.dir;
    this.ca = parts.ca;
    this.other = parts.other;
    this.port = parts.port;
    this.adminPort = parts.adminPort;
    this.configFile = parts.configFile;
    this.journalDir = parts.journalDir;
    this.policyFile = parts.policyFile;
  }

  static async create(t: { after(fn: () => void): void }, options: MeshOptions): Promise<Mesh> {
    const dir = temporaryFolder(t);
    const ca = await createDevCa({ dir: path.join(dir, 'ca'), trustDomain: 'prod.acme.com' });
    const own = await ca.issue({ spiffeId: 'spiffe://prod.acme.com/ns/payments/server', dnsNames: ['localhost'] });
    mkdirSync(path.join(dir, 'policies'));
    put(dir, 'tls.crt', own.certChainPem);
    put(dir, 'tls.key', own.keyPem);
    put(dir, 'bundle.pem', ca.bundlePem);
    const other =
      options.otherTrustDomain === undefined
        ? null
        : await createDevCa({ dir: path.join(dir, 'other-ca'), trustDomain: options.otherTrustDomain });
    if (other !== null) put(dir, 'other.pem', other.bundlePem);
    const policyFile = put(dir, 'policies/policy.yaml', options.policy ?? openPolicy);
    const port = await freePort();
    const adminPort = options.adminPort ?? (await freePort());
    const journalDir = path.join(dir, 'journal');
    const sections: Record<string, string> = {
      identity: `identity:
  source: files
  files: { cert: tls.crt, key: tls.key, bundle: bundle.pem }
  attributes:
    - match: spiffe://{environment}.acme.com/ns/{namespace}/{service}
      set: { attestation: k8s_sat }
${other === null ? '' : `  federation:\n    - { trust_domain: ${options.otherTrustDomain}, bundle: { file: other.pem } }\n`}`,
      inbound: `inbound:
  - name: api
    listen: 127.0.0.1:${port}
    protocol: http
    forward: ${options.scheme ?? 'http'}://127.0.0.1:${options.workloadPort}
${options.inbound ?? ''}`,
      policy: 'policy:\n  paths: [policies/]\n',
      audit: `audit:\n  journal: { dir: ${journalDir} }\n  stdout: off\n`,
      admin: `admin:\n  listen: 127.0.0.1:${adminPort}\n`,
      shutdown: 'shutdown: { drain: 2s }\n',
      ...options.sections,
    };
    const configFile = put(dir, 'postern.yaml', `version: 1\n${Object.values(sections).join('')}`);
    return new Mesh({ dir, ca, other, port, adminPort, configFile, journalDir, policyFile });
  }

  /** Starts the sidecar and waits until it is ready; it ends with the test. */
  async start(t: { after(fn: () => Promise<void>): void }, env: Record<string, string> = {}): Promise<SidecarProcess> {
    const sidecar = await SidecarProcess.start({ configFile: this.configFile, adminPort: this.adminPort, env });
    t.after(() => sidecar.kill());
    return sidecar;
  }

  /** Credentials of a caller of this trust domain. */
  async caller(id = 'spiffe://prod.acme.com/ns/payments/api', ttlMs = 3_600_000): Promise<PeerCredentials> {
    const svid = await this.ca.issue({ spiffeId: id, ttlMs });
    return { cert: svid.certChainPem, key: svid.keyPem, ca: this.ca.bundlePem };
  }

  /** Credentials of a caller of the federated trust domain. */
  async callerOfOther(id: string): Promise<PeerCredentials> {
    const svid = await this.other!.issue({ spiffeId: id });
    return { cert: svid.certChainPem, key: svid.keyPem, ca: this.ca.bundlePem };
  }

  /** The configuration as it was written. */
  readConfig(): string {
    return readFileSync(this.configFile, 'utf8');
  }

  /** Writes a file of this world. */
  put(name: string, text: string): string {
    return put(this.dir, name, text);
  }
}
