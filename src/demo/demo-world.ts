// The world of the demo, made anew in a folder: two trust domains with their CAs, the seed policy, a configuration, the
// legacy service and the sidecar before it. Everything is the real thing: real files, real TLS, a real journal.

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadConfig } from '../config/load-config.ts';
import { PosternError } from '../errors.ts';
import { openDevCa } from '../identity/dev-ca.ts';
import { Sidecar } from '../runtime/sidecar.ts';
import type { SidecarEnvironment } from '../runtime/sidecar-parts.ts';
import { type LegacyService, startLegacyService } from './legacy-service.ts';
import { seedPolicyYaml } from './seed-policy.ts';

/** What a caller of the demo shows: PEM; without a certificate it has only the bundle to trust the sidecar by. */
export interface DemoCaller {
  readonly id: string | null;
  readonly cert?: string;
  readonly key?: string;
  readonly ca: string;
}

export type CallerName = 'api' | 'worker' | 'orders' | 'staging' | 'nobody';

export interface DemoWorld {
  readonly dir: string;
  readonly configFile: string;
  readonly journalDir: string;
  readonly port: number;
  readonly adminAddress: string;
  readonly sidecar: Sidecar;
  readonly service: LegacyService;
  readonly callers: Readonly<Record<CallerName, DemoCaller>>;
}

export interface DemoWorldOptions {
  /** Folder that is made, or made anew. */
  readonly dir: string;
  readonly version: string;
  /** File descriptor of the operational log. */
  readonly logFd: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Port of the admin API; 0 for a free one. */
  readonly adminPort: number;
  /** Port of the sidecar; 0 for a free one. */
  readonly port: number;
}

const production = 'prod.acme.com';
const staging = 'staging.acme.com';

/** Makes the world and starts it. @throws PosternError */
export async function openDemoWorld(options: DemoWorldOptions): Promise<DemoWorld> {
  await clearFolder(options.dir);
  const callers = await makeCallers(options.dir);
  const service = await startLegacyService();
  try {
    const configFile = path.join(options.dir, 'postern.yaml');
    await writeFile(path.join(options.dir, 'policies', 'payment-service-access.yaml'), seedPolicyYaml);
    await writeFile(configFile, configYaml({ ...options, servicePort: service.port }));
    const readConfig = async () => (await loadConfig(configFile, options.env, options.dir)).config;
    const sidecar = await Sidecar.start(await readConfig(), demoEnvironment(options, readConfig));
    const [listener] = sidecar.parts.listeners.all;
    return {
      dir: options.dir,
      configFile,
      journalDir: path.join(options.dir, 'journal'),
      port: Number(listener!.boundAddress.split(':').at(-1)),
      adminAddress: sidecar.adminAddress,
      sidecar,
      service,
      callers,
    };
  } catch (error) {
    await service.close();
    throw error;
  }
}

/** Names the folder as ours, so that nothing else is ever removed. */
const marker = '.postern-demo';

/** @throws PosternError ERR_USAGE for a folder that holds something else */
export async function clearFolder(dir: string): Promise<void> {
  const names: readonly string[] = await readdir(dir).catch(() => []);
  if (names.length > 0 && !names.includes(marker)) {
    throw new PosternError('ERR_USAGE', `\`${dir}\` holds files that are not of a demo`, {
      mend: 'give an empty folder with --dir',
    });
  }
  await rm(dir, { recursive: true, force: true });
  await mkdir(path.join(dir, 'policies'), { recursive: true });
  await writeFile(path.join(dir, marker), '');
}

export function demoEnvironment(
  options: Pick<DemoWorldOptions, 'version' | 'env' | 'logFd'>,
  readConfig: SidecarEnvironment['readConfig'],
): SidecarEnvironment {
  return {
    version: options.version,
    isProduction: options.env['NODE_ENV'] === 'production',
    node: null,
    pod: null,
    logFd: options.logFd,
    logLevel: 'warn',
    readConfig,
  };
}

async function makeCallers(dir: string): Promise<DemoWorld['callers']> {
  const prodCa = await openDevCa({ dir: path.join(dir, 'ca'), trustDomain: production });
  const stagingCa = await openDevCa({ dir: path.join(dir, 'staging-ca'), trustDomain: staging });
  await writeFile(path.join(dir, 'staging-bundle.pem'), stagingCa.bundlePem);
  const ca = prodCa.bundlePem;
  const caller = async (issuer: typeof prodCa, id: string): Promise<DemoCaller> => {
    const svid = await issuer.issue({ spiffeId: id });
    return { id, cert: svid.certChainPem, key: svid.keyPem, ca };
  };
  return {
    api: await caller(prodCa, `spiffe://${production}/ns/payments/api`),
    worker: await caller(prodCa, `spiffe://${production}/ns/payments/worker`),
    orders: await caller(prodCa, `spiffe://${production}/ns/orders/api`),
    staging: await caller(stagingCa, `spiffe://${staging}/ns/payments/api`),
    nobody: { id: null, ca },
  };
}

function configYaml(ports: {
  readonly port: number;
  readonly adminPort: number;
  readonly servicePort: number;
}): string {
  return `# The configuration of the demo. It is a whole one: \`postern run -c\` takes it as it is.
version: 1

identity:
  source: dev-ca                    # in real life: files, kept fresh by SPIRE or cert-manager
  dev_ca: { dir: ca, spiffe_id: spiffe://${production}/ns/payments/gateway }
  federation:
    - { trust_domain: ${staging}, bundle: { file: staging-bundle.pem } }
  attributes:
    - match: spiffe://{environment}.acme.com/ns/{namespace}/{service}
      set: { attestation: k8s_sat }

inbound:
  - name: payments
    listen: 127.0.0.1:${ports.port}
    forward: http://127.0.0.1:${ports.servicePort}
    resource: { type: database, name: payments_db }
    routes:
      - match: { method: [POST], path: "/topics/{topic}" }
        resource: { type: message_queue, topic: "{topic}" }
        action: publish
      - match: { path: "/ledger/{entry...}" }
        resource: { type: database, name: ledger_db, namespace: ledger }

policy:
  paths: [policies/]

audit:
  journal: { dir: journal }
  stdout: off
  outcomes: all

admin:
  listen: 127.0.0.1:${ports.adminPort}

shutdown: { drain: 2s }
`;
}

/** Ends everything. */
export async function closeDemoWorld(world: DemoWorld): Promise<void> {
  await world.sidecar.stop(0, AbortSignal.abort());
  await world.service.close();
}
