// Two sidecars in this process, for what neither of them reads: a plain program, its sidecar with a TCP outbound listener,
// mutual TLS, the sidecar before the server, the server.

import { once } from 'node:events';
import { mkdirSync, openSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { loadConfig } from '../../src/config/load-config.ts';
import { createDevCa, type DevCa } from '../../src/identity/dev-ca.ts';
import { Sidecar } from '../../src/runtime/sidecar.ts';
import { freePort } from './free-port.ts';
import { journalRecords, put, temporaryFolder } from './sidecar-process.ts';
import { waitFor } from './wait-for.ts';

type Scope = { after(fn: () => Promise<void> | void): void };

/** What the tests read of a record. */
export interface TcpRecord {
  readonly type: string;
  readonly listener?: string;
  readonly decision_id: string;
  readonly decision?: 'allow' | 'deny';
  readonly reason?: string;
  readonly enforced?: boolean;
  readonly principal?: { readonly workload_id: string; readonly type: string };
  readonly action?: { readonly name: string; readonly required?: readonly string[]; readonly protocol: string };
  readonly resource?: { readonly type: string; readonly name: string };
  readonly network?: { readonly direction: string; readonly source_ip?: string; readonly source_port?: number };
  readonly outcome?: {
    readonly result: string;
    readonly request_bytes: number;
    readonly response_bytes: number;
    readonly code?: string;
    readonly detail?: string;
  };
}

/** Lets the front connect to the database, in both directions of the wire. */
export const databasePolicy = `policy "database":
  principals: { type: workload, spiffe_id: "spiffe://prod.acme.com/ns/shop/front" }
  rules:
    - name: reads-and-writes
      effect: allow
      resources: { type: database, name: orders }
      actions: [read, write]
`;

export interface TcpWorldOptions {
  /** Where the server listens: a port of this machine, or the path of a unix socket. */
  readonly server: number | string;
  readonly policy?: string;
  /** YAML of further keys of either listener, indented by four spaces. */
  readonly inbound?: string;
  readonly outbound?: string;
}

/** One of the two sidecars. */
export interface TcpSide {
  readonly sidecar: Sidecar;
  readonly dir: string;
  readonly records: () => readonly TcpRecord[];
}

export class TcpWorld {
  readonly dir: string;
  readonly ca: DevCa;
  readonly port: number;
  readonly serverPort: number;
  readonly front: TcpSide;
  readonly database: TcpSide;

  private constructor(parts: Pick<TcpWorld, 'dir' | 'ca' | 'port' | 'serverPort' | 'front' | 'database'>) {
    this.dir = parts.dir;
    this.ca = parts.ca;
    this.port = parts.port;
    this.serverPort = parts.serverPort;
    this.front = parts.front;
    this.database = parts.database;
  }

  static async open(t: Scope, options: TcpWorldOptions): Promise<TcpWorld> {
    const dir = temporaryFolder(t);
    const ca = await createDevCa({ dir: path.join(dir, 'ca'), trustDomain: 'prod.acme.com' });
    const [port, serverPort] = [await freePort(), await freePort()];
    const forward = typeof options.server === 'number' ? `tcp://127.0.0.1:${options.server}` : `unix:${options.server}`;
    const resource = 'resource: { type: database, name: orders }\n    action: [read, write]';
    const database = await openSide(t, { dir, ca, name: 'database', id: 'spiffe://prod.acme.com/ns/data/orders' }, [
      `inbound:\n  - name: orders\n    protocol: tcp\n    listen: 127.0.0.1:${serverPort}\n    forward: ${forward}`,
      `    ${resource}\n${patient(options.inbound, 'upstream_connect')}`,
      policyOf(options),
    ]);
    const front = await openSide(t, { dir, ca, name: 'front', id: 'spiffe://prod.acme.com/ns/shop/front' }, [
      `outbound:\n  - name: to-orders\n    protocol: tcp\n    listen: 127.0.0.1:${port}\n    to: [127.0.0.1:${serverPort}]`,
      `    accept: ["spiffe://prod.acme.com/ns/data/*"]\n    ${resource}\n${patient(options.outbound, 'connect')}`,
      policyOf(options),
    ]);
    return new TcpWorld({ dir, ca, port, serverPort, front, database });
  }

  /** Waits for the close record of a decision of `side`, and gives both. */
  ended(side: TcpSide, which: (record: TcpRecord) => boolean = () => true) {
    return waitFor('a connection to end on record', () => {
      const records = side.records();
      const end = records.find((one) => one.type === 'outcome' && which(one));
      const begin = records.find((one) => one.type === 'decision' && one.decision_id === end?.decision_id);
      return end === undefined || begin === undefined ? null : { begin, end };
    });
  }
}

/** Connections may take their time: a busy machine is no fault. */
function patient(keys = '', connect: string): string {
  const limit = `${connect}: 20s`;
  return keys.includes('limits: {')
    ? keys.replace('limits: {', `limits: { ${limit},`)
    : `${keys}    limits: { ${limit} }\n`;
}

function policyOf({ policy = databasePolicy }: TcpWorldOptions): string {
  return policy;
}

interface SideParts {
  readonly dir: string;
  readonly ca: DevCa;
  readonly name: string;
  readonly id: string;
}

/** One sidecar: its listeners, more keys of the last of them, its policy. */
export async function openSide(t: Scope, parts: SideParts, [first, more, policy]: readonly string[]): Promise<TcpSide> {
  const dir = path.join(parts.dir, parts.name);
  mkdirSync(dir);
  const svid = await parts.ca.issue({ spiffeId: parts.id });
  put(dir, 'tls.crt', svid.certChainPem);
  put(dir, 'tls.key', svid.keyPem);
  put(dir, 'bundle.pem', parts.ca.bundlePem);
  put(dir, 'policy.yaml', policy!);
  put(dir, 'revoked.yaml', 'revocations: []\n');
  const file = put(
    dir,
    'postern.yaml',
    `version: 1
identity: { source: files, files: { cert: tls.crt, key: tls.key, bundle: bundle.pem } }
${first}
${more}
policy: { paths: [policy.yaml], revocations: revoked.yaml }
audit: { journal: { dir: journal }, stdout: off }
admin: { listen: 127.0.0.1:0 }
shutdown: { drain: 5s }
`,
  );
  const readConfig = async () => (await loadConfig(file, {}, dir)).config;
  const sidecar = await Sidecar.start(await readConfig(), {
    version: 'test',
    isProduction: false,
    node: null,
    pod: null,
    logFd: openSync(path.join(dir, 'log'), 'w'),
    logLevel: 'info',
    readConfig,
  });
  t.after(async () => void (await sidecar.stop(0, AbortSignal.abort())));
  const records = () => journalRecords(path.join(dir, 'journal')) as unknown as readonly TcpRecord[];
  return { sidecar, dir, records };
}

/** A server of the test's own; it goes with the test. */
export async function serve(t: Scope, onConnection: (socket: net.Socket) => void, at: string | 0 = 0): Promise<number> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => {
    if (at === 0) server.listen(0, '127.0.0.1', resolve);
    else server.listen(at, resolve);
  });
  t.after(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A server that greets, and counts who came. */
export async function greeter(t: Scope) {
  const met: net.Socket[] = [];
  const port = await serve(t, (socket) => {
    met.push(socket);
    socket.write('hello');
    socket.on('end', () => socket.end()).resume();
  });
  return { met, port };
}

/** A plain caller. Its socket stays half open when the other side ends. */
export function call(port: number): net.Socket {
  return net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
}

/** All that comes until the end, as text; rejects where the connection breaks. */
export async function textOf(socket: net.Socket): Promise<string> {
  let text = '';
  for await (const piece of socket) text += String(piece);
  return text;
}

/** Resolves when the other side has ended the connection, or broken it off. Ask for it before that can happen. */
export async function broken(socket: net.Socket): Promise<void> {
  socket.resume();
  await Promise.race([once(socket, 'error'), once(socket, 'end')]);
}
