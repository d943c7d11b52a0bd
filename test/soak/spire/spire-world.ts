// A SPIRE server with one agent on this machine, as their documentation has it: join token, unix workload attestor, SVIDs
// that live for a minute.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { freePort } from '../../harness/free-port.ts';
import { waitFor } from '../../harness/wait-for.ts';
import type { SpirePrograms } from './spire-build.ts';

const run = promisify(execFile);

export type Scope = { after(fn: () => Promise<void> | void): void };

/** Seconds that an SVID lives; the agent renews at half of it. */
export const svidSeconds = 60;

export class SpireServer {
  readonly trustDomain: string;
  readonly dir: string;
  /** Of the bundle endpoint, profile `https_spiffe`. */
  readonly bundlePort: number;
  readonly port: number;
  readonly #programs: SpirePrograms;
  #child: ChildProcess | null = null;

  private constructor(own: {
    trustDomain: string;
    dir: string;
    bundlePort: number;
    port: number;
    programs: SpirePrograms;
  }) {
    this.trustDomain = own.trustDomain;
    this.dir = own.dir;
    this.bundlePort = own.bundlePort;
    this.port = own.port;
    this.#programs = own.programs;
  }

  /** `federatesWith` is HCL for the block `federation`. */
  static async start(
    t: Scope,
    programs: SpirePrograms,
    options: { readonly trustDomain: string; readonly dir: string; readonly federatesWith?: string },
  ): Promise<SpireServer> {
    const { trustDomain, dir } = options;
    mkdirSync(dir, { recursive: true });
    const server = new SpireServer({
      trustDomain,
      dir,
      programs,
      port: await freePort(),
      bundlePort: await freePort(),
    });
    writeFileSync(server.#config, server.#text(options.federatesWith ?? ''));
    server.#child = spawn(programs.server, ['run', '-config', server.#config], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    t.after(() => server.stop());
    await waitFor('the SPIRE server', async () => (await server.ask('healthcheck')).includes('healthy'), 60_000);
    return server;
  }

  get socket(): string {
    return path.join(this.dir, 'server.sock');
  }

  /** Runs `spire-server` against it; gives what it prints. */
  async ask(...words: readonly string[]): Promise<string> {
    const { stdout } = await run(this.#programs.server, [...words, '-socketPath', this.socket]);
    return stdout;
  }

  async stop(): Promise<void> {
    await end(this.#child);
  }

  /** An entry for every process of this user; gives its id. */
  async enter(spiffeId: string, ...words: readonly string[]): Promise<string> {
    const selector = `unix:uid:${process.getuid?.() ?? 0}`;
    const parent = `spiffe://${this.trustDomain}/agent`;
    const said = await this.ask(
      'entry',
      'create',
      '-parentID',
      parent,
      '-spiffeID',
      spiffeId,
      '-selector',
      selector,
      ...words,
    );
    const id = /Entry ID\s*: (\S+)/.exec(said)?.[1];
    if (id === undefined) throw new Error(`no entry: ${said}`);
    return id;
  }

  get #config(): string {
    return path.join(this.dir, 'server.conf');
  }

  #text(federatesWith: string): string {
    return `server {
  bind_address = "127.0.0.1"
  bind_port = "${this.port}"
  socket_path = "${this.socket}"
  trust_domain = "${this.trustDomain}"
  data_dir = "${this.dir}"
  log_level = "WARN"
  default_x509_svid_ttl = "${svidSeconds}s"
  federation {
    bundle_endpoint {
      address = "127.0.0.1"
      port = ${this.bundlePort}
      refresh_hint = "10s"
      profile "https_spiffe" {}
    }
    ${federatesWith}
  }
}
plugins {
  DataStore "sql" {
    plugin_data {
      database_type = "sqlite3"
      connection_string = "${this.dir}/datastore.sqlite3"
    }
  }
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "memory" { plugin_data {} }
}
`;
  }
}

export class SpireAgent {
  readonly socket: string;
  readonly #programs: SpirePrograms;
  readonly #config: string;
  #child: ChildProcess | null = null;

  private constructor(programs: SpirePrograms, dir: string) {
    this.#programs = programs;
    this.socket = path.join(dir, 'agent.sock');
    this.#config = path.join(dir, 'agent.conf');
  }

  static async start(t: Scope, programs: SpirePrograms, server: SpireServer): Promise<SpireAgent> {
    const dir = path.join(server.dir, 'agent');
    mkdirSync(dir, { recursive: true });
    const agent = new SpireAgent(programs, dir);
    writeFileSync(agent.#config, agent.#text(dir, server));
    const said = await server.ask('token', 'generate', '-spiffeID', `spiffe://${server.trustDomain}/agent`);
    const token = /Token: (\S+)/.exec(said)?.[1] ?? '';
    t.after(() => agent.stop());
    await agent.run('-joinToken', token);
    return agent;
  }

  /** Starts it, again after `stop`: its keys are on the disk. */
  async run(...words: readonly string[]): Promise<void> {
    this.#child = spawn(this.#programs.agent, ['run', '-config', this.#config, ...words], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await waitFor('the SPIRE agent', async () => (await this.ask('healthcheck')).includes('healthy'), 60_000);
  }

  /** As `kill -9`. */
  async stop(): Promise<void> {
    await end(this.#child);
  }

  /** Runs `spire-agent` against it; gives what it prints. */
  async ask(...words: readonly string[]): Promise<string> {
    const { stdout } = await run(this.#programs.agent, [...words, '-socketPath', this.socket]);
    return stdout;
  }

  #text(dir: string, server: SpireServer): string {
    return `agent {
  data_dir = "${dir}"
  log_level = "WARN"
  server_address = "127.0.0.1"
  server_port = "${server.port}"
  socket_path = "${this.socket}"
  trust_domain = "${server.trustDomain}"
  insecure_bootstrap = true
}
plugins {
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "disk" { plugin_data { directory = "${dir}" } }
  WorkloadAttestor "unix" { plugin_data {} }
}
`;
  }
}

async function end(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await waitFor('its end', () => child.exitCode !== null || child.signalCode !== null);
}
