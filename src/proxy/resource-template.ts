// HOT PATH (npm run bench). Makes the resource of a request from its template: constants are filled once, captures per
// request; host, port, path and method always come from the request.

import type { Attribute, Resource } from '../authz/model.ts';
import type { ResourceTemplate } from './inbound-options.ts';
import type { OwnIdentity } from './own-identity.ts';
import type { Captures } from './path-template.ts';
import { compileText, type TextTemplate } from './text-template.ts';

/** Makes a resource for a request. */
export type ResourceMaker = (
  request: {
    readonly host: string | undefined;
    readonly port: Attribute<number>;
    readonly path: string | undefined;
    readonly method: string | undefined;
  },
  route: string | null,
  captures: Captures,
) => HttpResource;

interface Constants {
  readonly type: string;
  readonly name: string | undefined;
  readonly id: string | undefined;
  readonly namespace: string | undefined;
  readonly environment: string | undefined;
  readonly service: string | undefined;
  readonly topic: string | undefined;
  readonly owner: string | undefined;
  readonly labels: ReadonlyMap<string, unknown>;
}

/** A resource reached over HTTP; one fixed shape for every request. */
export class HttpResource implements Resource {
  readonly type: string;
  readonly name: string | undefined;
  readonly id: string | undefined;
  readonly namespace: string | undefined;
  readonly environment: string | undefined;
  readonly host: string | undefined;
  readonly port: Attribute<number>;
  readonly path: string | undefined;
  readonly route: string | undefined;
  readonly service: string | undefined;
  readonly method: string | undefined;
  readonly topic: string | undefined;
  readonly owner: string | undefined;
  readonly labels: ReadonlyMap<string, unknown>;

  constructor(
    constants: Constants,
    request: {
      readonly host: string | undefined;
      readonly port: Attribute<number>;
      readonly path: string | undefined;
      readonly method: string | undefined;
    },
    route: string | null,
  ) {
    this.type = constants.type;
    this.name = constants.name;
    this.id = constants.id;
    this.namespace = constants.namespace;
    this.environment = constants.environment;
    this.host = request.host;
    this.port = request.port;
    this.path = request.path;
    this.route = route ?? undefined;
    this.service = constants.service;
    this.method = request.method;
    this.topic = constants.topic;
    this.owner = constants.owner;
    this.labels = constants.labels;
  }
}

const templatedKeys = ['name', 'id', 'namespace', 'environment', 'service', 'topic', 'owner'] as const;

/** @throws PosternError ERR_CONFIG_ROUTE for an unknown capture */
export function compileResource(
  template: ResourceTemplate,
  own: OwnIdentity,
  captures: readonly string[],
): ResourceMaker {
  const constants: Constants = Object.freeze({
    type: template.type,
    name: template.name,
    id: template.id,
    namespace: template.namespace ?? own.namespace,
    environment: template.environment ?? own.environment,
    service: template.service ?? own.service,
    topic: template.topic,
    owner: template.owner,
    labels: new Map(Object.entries(template.labels ?? {})),
  });
  const filled = templatedKeys.flatMap((key) => {
    const value = template[key];
    if (value === undefined) return [];
    const text = compileText(value, captures);
    return text.constant === null ? [[key, text] as const] : [];
  });
  if (filled.length === 0) return (request, route) => new HttpResource(constants, request, route);
  return (request, route, found) => new HttpResource(fill(constants, filled, found), request, route);
}

function fill(
  constants: Constants,
  filled: readonly (readonly [(typeof templatedKeys)[number], TextTemplate])[],
  found: Captures,
): Constants {
  const copy = { ...constants };
  for (const [key, text] of filled) copy[key] = text.fill(found);
  return copy;
}
