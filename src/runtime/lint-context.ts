// What configuration tells the linter of policies: where they run, which trust domains are known, what they protect.

import type { CatalogueResource, LintContext } from '../authz/lint/lint-rule.ts';
import type { PosternConfig } from '../config/postern-config.ts';
import { compileAttributeRules } from '../identity/attributes.ts';
import { givenAttributes } from '../identity/given-attributes.ts';
import { type IdentityRegistry, withRegistry } from '../identity/registry.ts';
import type { IdentitySnapshot } from '../identity/source.ts';
import { trustDomainOfTokens } from '../identity/tokens/token-issuer.ts';
import type { ListenerOptions, ResourceTemplate } from '../proxy/inbound-options.ts';
import type { OwnIdentity } from '../proxy/own-identity.ts';
import { compilePathTemplate } from '../proxy/path-template.ts';
import { compileText } from '../proxy/text-template.ts';
import { ownIdentityOf } from './identity-runtime.ts';

const productionNames: ReadonlySet<string> = new Set(['prod', 'production', 'prd', 'live']);

/** What the linter is told of identities. */
interface KnownIdentities {
  readonly own: OwnIdentity;
  /** Those whose bundles there are. */
  readonly trustDomains: readonly string[];
  readonly registry: IdentityRegistry;
}

/** The surroundings of a sidecar with this identity. */
function lintContextOf(config: PosternConfig, known: KnownIdentities, nowMs: number): LintContext {
  const { own, trustDomains, registry } = known;
  return {
    isProduction: own.environment !== undefined && productionNames.has(own.environment.toLowerCase()),
    trustDomains: new Set(trustDomains),
    resources: [...config.inbound, ...config.outbound].flatMap((listener) => resourcesOf(listener, own)),
    givenAttributes: givenAttributes(config.identity, registry),
    nowMs,
  };
}

/** The same, for an identity as its source gives it. */
export function lintContextFor(
  config: PosternConfig,
  { snapshot, registry }: { readonly snapshot: IdentitySnapshot; readonly registry: IdentityRegistry },
  nowMs: number,
): LintContext {
  const own = ownIdentityOf(snapshot, withRegistry(compileAttributeRules(config.identity.attributes), registry));
  // One whose bundle is still to be fetched is known all the same.
  const federated = config.identity.federation.map(({ trustDomain }) => trustDomain);
  const ofTokens = config.identity.tokens.map(trustDomainOfTokens).filter((name) => name !== null);
  const trustDomains = [...snapshot.bundles.trustDomains.map(({ name }) => name), ...federated, ...ofTokens];
  return lintContextOf(config, { own, trustDomains, registry }, nowMs);
}

function resourcesOf(listener: ListenerOptions, own: OwnIdentity): readonly CatalogueResource[] {
  const whole = listener.resource ?? { type: 'http_endpoint', name: own.service };
  const routes = listener.routes.flatMap(({ match, resource }) => {
    if (resource === undefined) return [];
    const captures = match.path === undefined ? [] : compilePathTemplate(match.path).captures;
    const place = `route \`${match.path ?? match.host ?? '*'}\` of listener \`${listener.name}\``;
    return [resourceOf(resource, { own, place, captures })];
  });
  return [resourceOf(whole, { own, place: `listener \`${listener.name}\``, captures: [] }), ...routes];
}

function resourceOf(
  template: ResourceTemplate,
  { own, place, captures }: { readonly own: OwnIdentity; readonly place: string; readonly captures: readonly string[] },
): CatalogueResource {
  const perRequest: string[] = [];
  const constant = (key: 'name' | 'topic' | 'namespace' | 'environment') => {
    const text = template[key];
    const value = text === undefined ? null : compileText(text, captures).constant;
    if (text !== undefined && value === null) perRequest.push(key);
    return value ?? undefined;
  };
  const given = { name: constant('name'), topic: constant('topic') };
  const namespace = template.namespace === undefined ? own.namespace : constant('namespace');
  const environment = template.environment === undefined ? own.environment : constant('environment');
  return { place, type: template.type, ...given, namespace, environment, perRequest };
}
