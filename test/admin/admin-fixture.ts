// An admin API with plain values behind it, on a free port of loopback, and a client that can say anything.

import { type IncomingHttpHeaders, request } from 'node:http';
import type { TestContext } from 'node:test';
import { type AdminOptions, adminDefaults } from '../../src/admin/admin-options.ts';
import { type AdminServer, openAdminServer } from '../../src/admin/admin-server.ts';
import { RecentDecisions } from '../../src/admin/recent-decisions.ts';
import type { AdminControls, AdminViews, WorkloadHealthPaths } from '../../src/admin/views.ts';

export interface OpenedAdmin {
  readonly server: AdminServer;
  readonly port: number;
  readonly decisions: RecentDecisions;
  readonly errors: unknown[];
  readonly calls: string[];
}

interface FixtureParts {
  readonly views?: Partial<AdminViews>;
  readonly controls?: Partial<AdminControls>;
  readonly workloadHealth?: WorkloadHealthPaths;
  readonly options?: Partial<AdminOptions>;
}

/** Opens an admin API that is closed when the test ends. */
export async function openAdmin(context: TestContext, parts: FixtureParts = {}): Promise<OpenedAdmin> {
  const decisions = new RecentDecisions();
  const errors: unknown[] = [];
  const calls: string[] = [];
  const server = await openAdminServer(
    { ...adminDefaults, listen: { kind: 'tcp', host: '127.0.0.1', port: 0 }, ...parts.options },
    {
      views: { ...plainViews(decisions), ...parts.views },
      controls: { ...countedControls(calls), ...parts.controls },
      workloadHealth: parts.workloadHealth ?? { paths: () => [], ask: () => Promise.reject(new Error('unasked')) },
      onError: (error) => errors.push(error),
    },
  );
  context.after(() => server.close());
  const port = server.address.kind === 'tcp' ? server.address.port : 0;
  return { server, port, decisions, errors, calls };
}

function plainViews(decisions: RecentDecisions): AdminViews {
  return {
    version: '0.0.0-test',
    health: () => [
      { name: 'svid', ok: true, detail: 'spiffe://a.example/api until later' },
      { name: 'policy', ok: true, detail: 'in force' },
    ],
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'postern_ready 1\n' }),
    config: () => ({ version: 1 }),
    configSecrets: () => new Set(),
    identity: () => null,
    policy: () => ({ digest: 'sha256:abc', loaded_at: '2026-11-22T10:00:00.000Z', rules: [] }),
    explain: (question) => ({ explained: question }),
    explainRecord: () => null,
    decisions,
  };
}

function countedControls(calls: string[]): AdminControls {
  let level = 'info';
  return {
    reload: () => {
      calls.push('reload');
      return Promise.resolve({ result: 'applied', notes: [] });
    },
    drain: () => void calls.push('drain'),
    quit: () => void calls.push('quit'),
    logLevel: () => level,
    setLogLevel: (next) => {
      if (next !== 'debug' && next !== 'info') throw new TypeError('no level');
      level = next;
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: () => Record<string, unknown>;
}

interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly socketPath?: string;
}

/** Asks over a connection of its own; the Host is ours unless `headers` says otherwise. */
export function ask(port: number, path: string, question: Question = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, socketPath } = question;
  const where = socketPath === undefined ? { host: '127.0.0.1', port } : { socketPath };
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const sent = request({ ...where, method, path, headers: { ...headers }, agent: false }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.once('error', reject);
    response.once('end', () => {
      const text = Buffer.concat(chunks).toString();
      const json = (): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
    });
  });
  sent.once('error', reject);
  sent.end(body);
  return promise;
}

/** A POST as a program sends it. */
export function post(port: number, path: string, data: unknown): Promise<Answer> {
  return ask(port, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: data === undefined ? '' : JSON.stringify(data),
  });
}
