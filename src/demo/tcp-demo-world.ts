// The world of `postern demo --tcp`: on one side a Python client and psql, on the other `python3 -m http.server` and PostgreSQL,
// none of them changed, and between them two Posterns with strict mutual TLS. PostgreSQL is left out where it is not installed.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadConfig } from '../config/load-config.ts';
import { PosternError } from '../errors.ts';
import { openDevCa } from '../identity/dev-ca.ts';
import { Sidecar } from '../runtime/sidecar.ts';
import { startDatabase } from './demo-database.ts';
import { clearFolder, type DemoWorldOptions, demoEnvironment } from './demo-world.ts';
import { freePort } from './free-port.ts';
import { findProgram, type LegacyServer, startServer } from './legacy-programs.ts';

export interface TcpDemoWorld {
  /** Beside those who call. */
  readonly front: Sidecar;
  /** Before those who are called. */
  readonly orders: Sidecar;
  readonly python: string;
  /** Null where PostgreSQL is not installed. */
  readonly psql: string | null;
  readonly ports: TcpDemoPorts;
  close(): Promise<void>;
}

export interface TcpDemoPorts {
  /** Plain, for the callers: the forward proxy, and the database. */
  readonly proxy: number;
  readonly database: number;
  /** Mutual TLS, between the sidecars. */
  readonly web: number;
  readonly tcp: number;
}

export const frontId = 'spiffe://prod.acme.com/ns/shop/front';
const ordersId = 'spiffe://prod.acme.com/ns/orders/api';

type Options = Omit<DemoWorldOptions, 'port' | 'adminPort'>;

/** Makes the world and starts it. @throws PosternError where Python is not installed, or something does not start */
export async function openTcpDemo(options: Options): Promise<TcpDemoWorld> {
  await clearFolder(options.dir);
  const searchPath = options.env['PATH'] ?? '';
  const [python, postgres, psql] = ['python3', 'postgres', 'psql'].map((name) => findProgram(name, searchPath));
  if (python === null || python === undefined) {
    throw new PosternError('ERR_USAGE', '`python3` is not installed', { mend: 'install it, or run `postern demo`' });
  }
  const started: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of started.splice(0).reverse()) await end();
  };
  try {
    const web = await startWeb(options.dir, python);
    started.push(web.close);
    const database = postgres && psql ? await startDatabase(postgres, psql) : null;
    if (database !== null) started.push(database.close);
    const ports = { proxy: await freePort(), database: await freePort(), web: await freePort(), tcp: await freePort() };
    const servers = { web: web.port, database: database?.port ?? null };
    const orders = await startSide(options, 'orders', ordersId, ordersYaml(ports, servers));
    started.push(() => orders.stop(0, AbortSignal.abort()));
    const front = await startSide(options, 'front', frontId, frontYaml(ports));
    started.push(() => front.stop(0, AbortSignal.abort()));
    return { front, orders, python, psql: database === null ? null : (psql ?? null), ports, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startWeb(dir: string, python: string): Promise<LegacyServer & { readonly port: number }> {
  const folder = path.join(dir, 'www');
  await mkdir(folder);
  await writeFile(path.join(folder, 'open.txt'), 'three orders are open\n');
  const port = await freePort();
  const args = ['-m', 'http.server', '--bind', '127.0.0.1', '--directory', folder, String(port)];
  const server = await startServer(python, args, { port, spawn: {} });
  return { port, close: server.close };
}

async function startSide(options: Options, name: string, id: string, listeners: string): Promise<Sidecar> {
  const dir = path.join(options.dir, name);
  await mkdir(dir);
  const ca = await openDevCa({ dir: path.join(options.dir, 'ca'), trustDomain: 'prod.acme.com' });
  const svid = await ca.issue({ spiffeId: id });
  await writeFile(path.join(dir, 'tls.crt'), svid.certChainPem);
  await writeFile(path.join(dir, 'tls.key'), svid.keyPem, { mode: 0o600 });
  await writeFile(path.join(dir, 'bundle.pem'), ca.bundlePem);
  await writeFile(path.join(dir, 'policy.yaml'), policyYaml);
  const file = path.join(dir, 'postern.yaml');
  await writeFile(file, `${listeners}${commonYaml}`);
  const readConfig = async () => (await loadConfig(file, options.env, dir)).config;
  return Sidecar.start(await readConfig(), demoEnvironment(options, readConfig));
}

const policyYaml = `policy "orders":
  principals: { type: workload, spiffe_id: "${frontId}" }
  rules:
    - { name: calls-orders, effect: allow, actions: [read, write], conditions: ['network.direction == "outbound"'] }
    - { name: reads-orders, effect: allow, actions: [read], resources: { type: service, name: orders } }
    - { name: uses-the-database, effect: allow, actions: [read, write], resources: { type: database, name: orders } }
`;

const commonYaml = `
policy: { paths: [policy.yaml] }
audit: { journal: { dir: journal }, stdout: off, outcomes: all }
admin: { listen: 127.0.0.1:0 }
shutdown: { drain: 2s }
`;

const headYaml = `version: 1
identity:
  source: files
  files: { cert: tls.crt, key: tls.key, bundle: bundle.pem }
`;

function frontYaml(ports: TcpDemoPorts): string {
  return `${headYaml}
outbound:
  - { name: egress, listen: 127.0.0.1:${ports.proxy}, protocol: proxy }
  - name: orders
    listen: 127.0.0.1:0
    hosts: [orders]
    to: [127.0.0.1:${ports.web}]
    accept: ["spiffe://prod.acme.com/ns/orders/*"]
  - name: orders-db
    listen: 127.0.0.1:${ports.database}
    protocol: tcp
    to: [127.0.0.1:${ports.tcp}]
    accept: ["spiffe://prod.acme.com/ns/orders/*"]
    resource: { type: database, name: orders }
    action: [read, write]
`;
}

function ordersYaml(ports: TcpDemoPorts, servers: { readonly web: number; readonly database: number | null }): string {
  const database = `  - name: orders-db
    listen: 127.0.0.1:${ports.tcp}
    protocol: tcp
    forward: tcp://127.0.0.1:${servers.database}
    resource: { type: database, name: orders }
    action: [read, write]
`;
  return `${headYaml}
inbound:
  - name: orders
    listen: 127.0.0.1:${ports.web}
    forward: http://127.0.0.1:${servers.web}
    resource: { type: service, name: orders }
${servers.database === null ? '' : database}`;
}
