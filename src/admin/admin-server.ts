// The admin API: health, metrics, and a look at decisions, for programs of this host. Plain node:http: a router library
// with web Request objects costs 10 MB of memory that the sidecar of a small workload does not have (measured, see below).

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { bindServer } from '../lib/bind-server.ts';
import type { SocketAddress } from '../lib/socket-address.ts';
import { type AdminAnswer, type AdminRoute, problem, writeAnswer } from './admin-http.ts';
import type { AdminOptions } from './admin-options.ts';
import { AdminRouter } from './admin-router.ts';
import { controlRoutes } from './control-routes.ts';
import { faultAnswer } from './fault-answer.ts';
import { healthRoutes, passWorkloadHealth } from './health-routes.ts';
import { readJsonBody } from './request-body.ts';
import { type OwnNames, ownNames, refuseStranger } from './request-guard.ts';
import { viewRoutes } from './view-routes.ts';
import type { AdminControls, AdminViews, WorkloadHealthPaths } from './views.ts';

/** What the admin API shows and does. */
export interface AdminParts {
  readonly views: AdminViews;
  readonly controls: AdminControls;
  readonly workloadHealth: WorkloadHealthPaths;
  /** Hears of defects in a handler. */
  readonly onError: (error: unknown) => void;
}

/** A bound admin API. */
export interface AdminServer {
  readonly address: SocketAddress;
  /** Accepts no more; waits for answers under way, for a second at most. */
  close(): Promise<void>;
}

const closePatienceMs = 1_000;

/** @throws PosternError ERR_LISTEN */
export async function openAdminServer(options: AdminOptions, parts: AdminParts): Promise<AdminServer> {
  const handler = new AdminHandler(options, parts);
  const server = createServer(options, (request, response) => void handler.handle(request, response));
  const { listen } = options;
  const isProbe = options.surface === 'probes';
  const address = await bindServer(server, {
    address: listen,
    who: isProbe ? 'the address for probes' : 'the admin API',
    key: isProbe ? 'admin.probes' : 'admin.listen',
    reusePort: false,
    socketMode: isProbe ? 0o755 : 0o600,
  });
  handler.bound(address);
  return Object.freeze({ address, close: () => closeServer(server) });
}

function createServer(
  options: AdminOptions,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  // Not `import`: that makes node read every export of node:http, among them lazy ones that load undici, zlib and http2:
  // 8 MB and 100 ms (Node 26.10). This way the module costs 1 MB.
  const http = process.getBuiltinModule('node:http');
  const server = http.createServer(
    {
      maxHeaderSize: options.headerBytes,
      headersTimeout: options.requestMs,
      requestTimeout: options.requestMs,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 1_000,
      insecureHTTPParser: false,
    },
    onRequest,
  );
  server.maxConnections = options.connections;
  server.maxHeadersCount = 64;
  server.setTimeout(options.idleMs);
  return server;
}

async function closeServer(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  const late = AbortSignal.timeout(closePatienceMs);
  late.addEventListener('abort', () => server.closeAllConnections(), { once: true });
  await promise;
}

class AdminHandler {
  readonly #options: AdminOptions;
  readonly #parts: AdminParts;
  readonly #router: AdminRouter;
  #names: OwnNames = { hosts: new Set(), origins: new Set() };

  constructor(options: AdminOptions, parts: AdminParts) {
    this.#options = options;
    this.#parts = parts;
    this.#router = new AdminRouter(routesOf(options, parts));
  }

  /** The port is known. */
  bound(address: SocketAddress): void {
    this.#names = ownNames(address);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A peer that goes away is no fault of ours.
    request.on('error', () => {});
    response.on('error', () => {});
    let answer: AdminAnswer;
    try {
      answer = await this.#answer(request);
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      answer = faultAnswer(error);
      if (answer.status === 500) this.#parts.onError(error);
    }
    if (!response.destroyed) writeAnswer(response, answer, !request.complete);
  }

  async #answer(request: IncomingMessage): Promise<AdminAnswer> {
    const isProbe = this.#options.surface === 'probes';
    const refusal = isProbe ? null : refuseStranger(request, this.#names);
    if (refusal !== null) return refusal;
    const target = request.url ?? '';
    if (!target.startsWith('/')) return problem(400, 'the target must be a path');
    const [path, query] = splitTarget(target);
    const found = this.#router.find(request.method ?? '', path);
    if (found.kind === 'none') return this.#passedOn(request, path) ?? found.answer;
    const { route, id } = found;
    let body: unknown;
    if (route.method === 'POST') {
      const read = await readJsonBody(request, this.#options.bodyBytes);
      if (read.kind === 'refused') return read.answer;
      body = read.value;
    }
    return route.handle({ method: route.method, path, query: new URLSearchParams(query), id, body });
  }

  /** Own endpoints come first: a workload's health path cannot take the place of ours. */
  #passedOn(request: IncomingMessage, path: string): Promise<AdminAnswer> | null {
    const { workloadHealth } = this.#parts;
    const isGet = request.method === 'GET' || request.method === 'HEAD';
    if (!isGet || !workloadHealth.paths().includes(path)) return null;
    return passWorkloadHealth(workloadHealth, path);
  }
}

function splitTarget(target: string): readonly [path: string, query: string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

function routesOf(options: AdminOptions, parts: AdminParts): readonly AdminRoute[] {
  const { views, controls } = parts;
  const health = healthRoutes(views, { details: options.surface === 'full' });
  return options.surface === 'full' ? [...health, ...viewRoutes(views), ...controlRoutes(controls)] : health;
}
