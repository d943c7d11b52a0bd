// Finds the route of a request. A few exact paths and one kind of parameter need no routing library.

import type { AdminAnswer } from './admin-http.ts';
import { type AdminRoute, problem } from './admin-http.ts';

/** A route that fits, or the answer where none does. */
export type RouteResult =
  | { readonly kind: 'route'; readonly route: AdminRoute; readonly id: string }
  | { readonly kind: 'none'; readonly answer: AdminAnswer };

const idSuffix = '/{id}';

export class AdminRouter {
  readonly #exact = new Map<string, AdminRoute[]>();
  readonly #withId = new Map<string, AdminRoute[]>();
  readonly #endpoints: readonly string[];

  constructor(routes: readonly AdminRoute[]) {
    for (const route of routes) {
      if (route.path.endsWith(idSuffix)) append(this.#withId, route.path.slice(0, -idSuffix.length), route);
      else append(this.#exact, route.path, route);
    }
    this.#endpoints = routes.map((route) => `${route.method} ${route.path} - ${route.about}`);
  }

  find(method: string, path: string): RouteResult {
    const slash = path.lastIndexOf('/');
    const exact = this.#exact.get(path);
    const found = exact ?? this.#withId.get(path.slice(0, slash));
    const id = exact === undefined ? path.slice(slash + 1) : '';
    if (found === undefined || (exact === undefined && id === '')) return none(this.#unknown());
    // A HEAD is a GET whose body is not sent.
    const wanted = method === 'HEAD' ? 'GET' : method;
    const route = found.find((candidate) => candidate.method === wanted);
    return route === undefined ? none(wrongMethod(found)) : { kind: 'route', route, id };
  }

  #unknown(): AdminAnswer {
    return problem(404, 'there is no such endpoint', { endpoints: this.#endpoints });
  }
}

function append(table: Map<string, AdminRoute[]>, key: string, route: AdminRoute): void {
  const routes = table.get(key);
  if (routes === undefined) table.set(key, [route]);
  else routes.push(route);
}

function none(answer: AdminAnswer): RouteResult {
  return { kind: 'none', answer };
}

function wrongMethod(routes: readonly AdminRoute[]): AdminAnswer {
  const methods = routes.flatMap((route) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]));
  return problem(405, `this endpoint takes ${methods.join(', ')}`, {}, { allow: methods.join(', ') });
}
