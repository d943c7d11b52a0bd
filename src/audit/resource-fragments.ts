// HOT PATH (bench/audit.bench.ts). What was to be reached, as members of a record. Resources are made for each request, but
// those of one route rarely differ in what is recorded: the last one of a route is compared, not encoded again.

import type { Attribute, Resource } from '../authz/model.ts';
import type { Fragment } from './record-fragments.ts';
import { asciiJson, type RecordLimits, RecordText } from './record-text.ts';

interface ResourceEntry {
  readonly resource: Resource;
  readonly fragment: Fragment;
}

/** Routes whose last resource is remembered; routes come from configuration, so this is not reached in practice. */
const mostRoutes = 1_024;

/** Encodes resources. */
export class ResourceFragments {
  readonly #limits: RecordLimits;
  readonly #byRoute = new Map<Attribute<string>, ResourceEntry>();

  constructor(limits: RecordLimits) {
    this.#limits = limits;
  }

  of(resource: Resource): Fragment {
    const last = this.#byRoute.get(resource.route);
    if (last !== undefined && recordsTheSame(last.resource, resource)) return last.fragment;
    const fragment = resourceFragment(resource, this.#limits);
    if (this.#byRoute.size >= mostRoutes) this.#byRoute.clear();
    this.#byRoute.set(resource.route, { resource, fragment });
    return fragment;
  }
}

function recordsTheSame(a: Resource, b: Resource): boolean {
  return (
    a === b ||
    (a.type === b.type &&
      a.name === b.name &&
      a.id === b.id &&
      a.namespace === b.namespace &&
      a.environment === b.environment &&
      a.host === b.host &&
      a.port === b.port &&
      a.route === b.route &&
      a.service === b.service &&
      a.topic === b.topic &&
      a.owner === b.owner)
  );
}

function resourceFragment(resource: Resource, limits: RecordLimits): Fragment {
  const text = new RecordText(limits);
  const members = {
    type: text.clean(resource.type, '/resource/type'),
    name: text.clean(resource.name, '/resource/name'),
    id: text.clean(resource.id, '/resource/id'),
    namespace: text.clean(resource.namespace, '/resource/namespace'),
    environment: text.clean(resource.environment, '/resource/environment'),
    host: text.clean(resource.host, '/resource/host'),
    port: text.integer(resource.port, '/resource/port'),
    route: text.clean(resource.route, '/resource/route'),
    service: text.clean(resource.service, '/resource/service'),
    topic: text.clean(resource.topic, '/resource/topic'),
    owner: text.clean(resource.owner, '/resource/owner'),
  };
  return { text: `"resource":${asciiJson(members)}`, masked: text.masked };
}
