// Two sidecars: a workload's plain caller, its sidecar with outbound listeners, mutual TLS, the sidecar of the workload called.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { freePort } from './free-port.ts';
import { Mesh, type MeshOptions } from './mesh.ts';
import { journalRecords, SidecarProcess } from './sidecar-process.ts';
import { waitFor } from './wait-for.ts';

export const clientId = 'spiffe://prod.acme.com/ns/shop/front';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** What the tests read of a record. */
export interface CallRecord {
  readonly decision_id: string;
  readonly decision?: string;
  readonly reason?: string;
  readonly type: string;
  readonly listener?: string;
  readonly principal?: { readonly workload_id: string; readonly credential: { readonly serial: string } };
  readonly network?: { readonly direction: string };
  readonly outcome?: { readonly result: string; readonly code?: string; readonly detail: string | null };
  readonly correlation: { readonly trace_id: string; readonly request_id: string };
  readonly resource?: { readonly name: string };
}

const outboundPolicy = `policy "calls":
  principals: { type: workload, spiffe_id: "${clientId}" }
  rules:
    - name: out
      effect: allow
      actions: [read, write, call]
      conditions: ['network.direction == "outbound"']
`;

const callersPolicy = `policy "callers":
  principals: { type: workload, spiffe_id: "spiffe://prod.acme.com/**" }
  rules:
    - name: in
      effect: allow
      actions: [read, write, call]
      conditions: ['network.direction == "inbound"']
`;

/** One plain call. */
export function ask(port: number, target: string, options: http.RequestOptions = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path: target, agent: false, ...options }, (answer) => {
      let text = '';
      answer.setEncoding('latin1');
      answer.on('data', (piece: string) => {
        text += piece;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
      answer.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** The problem that Postern tells the caller of. */
export function problemOf(answer: Answer): { readonly code?: string; readonly detail: string } {
  return JSON.parse(answer.body) as { code?: string; detail: string };
}

export interface WorldOptions extends Omit<MeshOptions, 'policy'> {
  /** The sidecar that is called runs; else there is its identity only. Default true. */
  readonly startsServer?: boolean;
}

/** Name of a listener, and YAML of its keys beside name and address. */
type Rows = Readonly<Record<string, string>>;

type Scope = { after(fn: () => Promise<void> | void): void };

export class CallingWorld {
  readonly mesh: Mesh;
  readonly client: SidecarProcess;
  /** The sidecar that is called; null where it was not started. */
  readonly server: SidecarProcess | null;
  /** Of the listeners, by name. */
  readonly ports: Readonly<Record<string, number>>;

  private constructor(parts: Pick<CallingWorld, 'mesh' | 'client' | 'server' | 'ports'>) {
    this.mesh = parts.mesh;
    this.client = parts.client;
    this.server = parts.server;
    this.ports = parts.ports;
  }

  /** `rows` makes the listeners from the sidecar that is called: a name, and YAML of its further keys. */
  static async create(
    scope: Scope,
    { startsServer = true, ...options }: WorldOptions,
    rows: (server: string, mesh: Mesh) => Rows | Promise<Rows>,
  ): Promise<CallingWorld> {
    const mesh = await Mesh.create(scope, { ...options, policy: callersPolicy });
    const server = startsServer ? await mesh.start(scope) : null;
    const adminPort = await freePort();
    const listeners = Object.entries(await rows(`localhost:${mesh.port}`, mesh));
    const ports: Record<string, number> = {};
    for (const [name] of listeners) ports[name] = await freePort();
    const lines = listeners.map(([name, keys]) => `  - { name: ${name}, listen: 127.0.0.1:${ports[name]}, ${keys} }\n`);
    mesh.put('calls.yaml', outboundPolicy);
    mesh.put('revoked.yaml', 'revocations: []\n');
    await rotate(mesh);
    mesh.put('client.yaml', clientConfig(lines.join(''), adminPort));
    const client = await SidecarProcess.start({ configFile: path.join(mesh.dir, 'client.yaml'), adminPort });
    scope.after(() => client.kill());
    return new CallingWorld({ mesh, client, server, ports });
  }

  /** Another SVID of the client. */
  rotate(): Promise<void> {
    return rotate(this.mesh);
  }

  /** Records of the caller's side. */
  ours(): CallRecord[] {
    return journalRecords(path.join(this.mesh.dir, 'client-journal')) as unknown as CallRecord[];
  }

  /** Records of the side that is called. */
  theirs(): CallRecord[] {
    return journalRecords(this.mesh.journalDir) as unknown as CallRecord[];
  }

  /** The record of the own decision about a call; it was written before the answer came. */
  decisionOf(answer: Answer): CallRecord {
    const found = this.ours().find((row) => row.decision_id === answer.headers['x-postern-decision-id']);
    if (found === undefined) throw new Error('no decision is on record');
    return found;
  }

  /** How a call ended, by the record. */
  async outcomeOf(answer: Answer): Promise<NonNullable<CallRecord['outcome']>> {
    const id = answer.headers['x-postern-decision-id'];
    const isEnd = (row: CallRecord): boolean => row.type === 'outcome' && row.decision_id === id;
    return (await waitFor('the outcome', () => this.ours().find(isEnd))).outcome!;
  }

  /** The client's configuration as it is, changed; put in force at once. Gives what the admin API says of it. */
  async reconfigure(change: (text: string) => string): Promise<{ readonly status: number; readonly body: string }> {
    this.mesh.put('client.yaml', change(readFileSync(path.join(this.mesh.dir, 'client.yaml'), 'utf8')));
    return this.client.admin('/reload', 'POST');
  }
}

async function rotate(mesh: Mesh): Promise<void> {
  const svid = await mesh.ca.issue({ spiffeId: clientId });
  mesh.put('client.crt', svid.certChainPem);
  mesh.put('client.key', svid.keyPem);
}

function clientConfig(listeners: string, adminPort: number): string {
  return `version: 1
identity:
  source: files
  files: { cert: client.crt, key: client.key, bundle: bundle.pem }
outbound:
${listeners}policy: { paths: [calls.yaml], environment_boundary: off, revocations: revoked.yaml }
audit: { journal: { dir: client-journal }, stdout: off }
admin: { listen: 127.0.0.1:${adminPort} }
shutdown: { drain: 2s }
`;
}
