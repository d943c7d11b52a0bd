// HOT PATH (npm run bench). From a request to what policy judges: the resource reached and the actions asked for. First
// matching route wins; a route's resource replaces the listener's.

import type { Action, Attribute } from '../authz/model.ts';
import type { FieldList } from '../wire/field-list.ts';
import { actionsOfMethod, httpAction, tcpActions } from './action-names.ts';
import { actionsOfCall, type GrpcCall } from './grpc-call.ts';
import type { ActionTemplate, ResourceTemplate, RouteOptions } from './inbound-options.ts';
import type { OwnIdentity } from './own-identity.ts';
import { type Captures, compilePathTemplate, noCaptures, type PathTemplate } from './path-template.ts';
import { compileResource, type HttpResource, type ResourceMaker } from './resource-template.ts';
import { compileText } from './text-template.ts';

/** What a request was mapped to. */
export interface MappedRequest {
  readonly actions: readonly Action[];
  readonly resource: HttpResource;
  /** Path template of the route that matched, or null. */
  readonly route: string | null;
}

/** The request as far as routing looks at it. */
export interface RoutableRequest {
  readonly method: string;
  readonly host: string;
  readonly port: Attribute<number>;
  /** Canonical. */
  readonly path: string;
  readonly fields: FieldList;
  /** Where it is a call of gRPC, of what. */
  readonly call?: GrpcCall | null;
}

type ActionMaker = (request: Pick<RoutableRequest, 'method' | 'call'>, captures: Captures) => readonly Action[];

interface CompiledRoute {
  readonly methods: ReadonlySet<string> | null;
  readonly path: PathTemplate | null;
  readonly host: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly resource: ResourceMaker;
  readonly actions: ActionMaker;
}

/** The compiled route table of one listener for one own identity. */
export class RouteTable {
  readonly #routes: readonly CompiledRoute[];
  readonly #resource: ResourceMaker;
  readonly #actions: ActionMaker;

  /** @throws PosternError ERR_CONFIG_ROUTE */
  constructor(
    options: {
      readonly protocol: 'http' | 'tcp';
      readonly resource: ResourceTemplate | undefined;
      readonly action: ActionTemplate;
      readonly routes: readonly RouteOptions[];
    },
    own: OwnIdentity,
  ) {
    const fallback = options.resource ?? { type: `${options.protocol}_endpoint`, name: own.service };
    this.#resource = compileResource(fallback, own, []);
    this.#actions = options.protocol === 'tcp' ? opaqueActions(options.action) : compileActions(options.action, []);
    this.#routes = options.routes.map((route) => compileRoute(route, { ...options, resource: fallback }, own));
  }

  map(request: RoutableRequest): MappedRequest {
    for (const route of this.#routes) {
      const captures = matchRoute(route, request);
      if (captures !== null) return make(route, request, captures);
    }
    return {
      actions: this.#actions(request, noCaptures),
      resource: this.#resource(request, null, noCaptures),
      route: null,
    };
  }

  /** An opaque connection to `port`: no route can match what nobody reads. */
  mapConnection(port: Attribute<number>): MappedRequest {
    const whole: Parameters<ResourceMaker>[0] = { host: undefined, port, path: undefined, method: undefined };
    return {
      actions: this.#actions({ method: '' }, noCaptures),
      resource: this.#resource(whole, null, noCaptures),
      route: null,
    };
  }
}

/** `auto` is all that is known of an opaque connection: somebody connects. */
function opaqueActions(template: ActionTemplate): ActionMaker {
  const actions = tcpActions(template === 'auto' ? ['connect'] : template);
  return () => actions;
}

function make(route: CompiledRoute, request: RoutableRequest, captures: Captures): MappedRequest {
  const template = route.path === null ? null : route.path.text;
  return {
    actions: route.actions(request, captures),
    resource: route.resource(request, template, captures),
    route: template,
  };
}

function matchRoute(route: CompiledRoute, request: RoutableRequest): Captures | null {
  if (route.methods !== null && !route.methods.has(request.method)) return null;
  if (route.host !== null && route.host !== request.host) return null;
  for (const [name, value] of route.headers) {
    // A field sent twice must not match by its first value while the workload reads the second.
    const values = request.fields.getAll(name);
    if (values.length !== 1 || values[0] !== value) return null;
  }
  return route.path === null ? noCaptures : route.path.match(request.path);
}

function compileRoute(
  route: RouteOptions,
  listener: { readonly resource: ResourceTemplate; readonly action: ActionTemplate },
  own: OwnIdentity,
): CompiledRoute {
  const path = route.match.path === undefined ? null : compilePathTemplate(route.match.path);
  const captures = path?.captures ?? [];
  return {
    methods: route.match.method === undefined ? null : new Set(route.match.method),
    path,
    host: route.match.host?.toLowerCase() ?? null,
    headers: Object.entries(route.match.header ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const),
    resource: compileResource(route.resource ?? listener.resource, own, captures),
    actions: compileActions(route.action ?? listener.action, captures),
  };
}

function autoActions({ method, call }: Pick<RoutableRequest, 'method' | 'call'>): readonly Action[] {
  return call ? actionsOfCall(call) : actionsOfMethod(method);
}

function compileActions(template: ActionTemplate, captures: readonly string[]): ActionMaker {
  if (template === 'auto') return autoActions;
  const words = template.map((word) => compileText(word, captures));
  if (words.every((word) => word.constant !== null)) {
    const actions = Object.freeze(words.map((word) => httpAction([word.constant!])));
    return () => actions;
  }
  return (_request, found) => words.map((word) => httpAction([word.fill(found)]));
}
