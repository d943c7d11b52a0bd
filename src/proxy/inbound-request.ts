// HOT PATH (npm run bench). The question that is put to policy, in one fixed shape; headers and query are looked at
// only when a condition asks for them.

import type {
  Action,
  Attribute,
  AuthzRequest,
  HttpFacts,
  NetworkFacts,
  Principal,
  Resource,
  TlsFacts,
} from '../authz/model.ts';
import type { FieldList } from '../wire/field-list.ts';
import type { GrpcCall } from './grpc-call.ts';

const noContext: ReadonlyMap<string, unknown> = new Map();

/** What is the same for every request of one connection. */
export interface ConnectionSide {
  readonly principal: Principal;
  readonly network: NetworkFacts;
  readonly tls: TlsFacts;
}

export class InboundRequest implements AuthzRequest {
  readonly principal: Principal;
  readonly actions: readonly Action[];
  readonly resource: Resource;
  readonly network: NetworkFacts;
  readonly tls: TlsFacts;
  readonly timeMs: number;
  readonly requestId: string;
  readonly http: HttpFacts;
  readonly grpcService: string | undefined;
  readonly grpcMethod: string | undefined;
  readonly context: ReadonlyMap<string, unknown>;

  constructor(
    side: ConnectionSide,
    mapped: { readonly actions: readonly Action[]; readonly resource: Resource },
    request: {
      readonly timeMs: number;
      readonly requestId: string;
      readonly http: HttpFacts;
      readonly call?: GrpcCall | null;
    },
  ) {
    this.principal = side.principal;
    this.actions = mapped.actions;
    this.resource = mapped.resource;
    this.network = side.network;
    this.tls = side.tls;
    this.timeMs = request.timeMs;
    this.requestId = request.requestId;
    this.http = request.http;
    this.grpcService = request.call?.service;
    this.grpcMethod = request.call?.method;
    this.context = noContext;
  }
}

/** Headers and query of one request, read on demand. */
export class RequestHttpFacts implements HttpFacts {
  readonly method: string;
  readonly #fields: FieldList;
  readonly #query: string;

  constructor(method: string, fields: FieldList, query: string) {
    this.method = method;
    this.#fields = fields;
    this.#query = query;
  }

  header(name: string): Attribute<string> {
    const values = this.#fields.getAll(name);
    return values.length === 0 ? undefined : values.join(', ');
  }

  query(name: string): Attribute<string> {
    if (this.#query.length < 2) return undefined;
    let found: string | undefined;
    for (const pair of this.#query.slice(1).split('&')) {
      const key = nameOf(pair);
      // Two values, or a name that does not decode: workloads differ in which they take, so policy must see neither. Nor
      // what a workload reads that parts a query at `;` too (CVE-2021-23336).
      if (key === null) return undefined;
      if (pair.includes(';') && pair.split(';').some((part) => nameOf(part) === name)) return undefined;
      if (key !== name) continue;
      if (found !== undefined) return undefined;
      const equals = pair.indexOf('=');
      const value = decode(equals < 0 ? '' : pair.slice(equals + 1));
      if (value === null) return undefined;
      found = value;
    }
    return found;
  }
}

function nameOf(pair: string): string | null {
  const equals = pair.indexOf('=');
  return decode(equals < 0 ? pair : pair.slice(0, equals));
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
