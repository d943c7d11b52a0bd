// The parts of a record that stay the same for many: encoded once for each decision, connection, action, and cached by
// object identity. JSON members without braces, so that the hot path only concatenates.

import type {
  Action,
  Decision,
  IndeterminateRule,
  NetworkFacts,
  Principal,
  RuleRef,
  TlsFacts,
} from '../authz/model.ts';
import type { AuthnFailure, ConnectionFacts } from './decision-event.ts';
import type { RecordLimits } from './record-text.ts';
import { asciiJson, RecordText } from './record-text.ts';

/** Members of a record (`"a":1,"b":{…}`) and the pointers of what they could not hold. */
export interface Fragment {
  readonly text: string;
  readonly masked: readonly string[];
}

/** Who came over which connection; the parts are compared by identity to know whether a cached fragment still fits. */
export interface PeerParts {
  readonly connection: ConnectionFacts;
  readonly principal: Principal;
  readonly network: NetworkFacts;
  readonly tls: TlsFacts;
}

/** What was decided and why. */
export function decisionFragment(decision: Decision, limits: RecordLimits): Fragment {
  const text = new RecordText(limits);
  const { policy, rule, shadow } = decision;
  const members = {
    decision: decision.effect,
    reason: decision.reason,
    policy: {
      name: text.clean(policy?.name, '/policy/name'),
      mode: policy?.mode,
      bundle_digest: text.clean(decision.bundleDigest === '' ? null : decision.bundleDigest, '/policy/bundle_digest'),
    },
    rule: rule === null ? undefined : ruleMembers(text, rule, '/rule'),
    matched: isRuleAlone(decision)
      ? undefined
      : text.list(decision.matched, '/matched', (fired, at) => ruleMembers(text, fired, at)),
    overrode: text.list(decision.overrode, '/overrode', (fired, at) => ruleMembers(text, fired, at)),
    indeterminate: text.list(decision.indeterminate, '/indeterminate', (open, at) => openMembers(text, open, at)),
    shadow:
      shadow === null
        ? undefined
        : {
            decision: shadow.decision,
            policy: text.clean(shadow.policy, '/shadow/policy'),
            rule: text.clean(shadow.rule, '/shadow/rule'),
            would_change: shadow.wouldChange,
          },
  };
  return fragment(members, text);
}

/** Who asked, with what credential, over what connection. */
export function peerFragment(parts: PeerParts, limits: RecordLimits): Fragment {
  const text = new RecordText(limits);
  const { connection, principal, network, tls } = parts;
  const members = {
    listener: text.clean(connection.listener, '/listener'),
    principal: {
      ...principalMembers(text, principal),
      credential: credentialMembers(text, connection),
      token: tokenMembers(text, parts),
    },
    network: {
      direction: network.direction,
      source_ip: text.clean(network.sourceIp, '/network/source_ip'),
      source_port: text.integer(network.sourcePort, '/network/source_port'),
      destination_ip: text.clean(network.destinationIp, '/network/destination_ip'),
      destination_port: text.integer(network.destinationPort, '/network/destination_port'),
      is_internal: typeof network.isInternal === 'boolean' ? network.isInternal : undefined,
    },
    tls: {
      version: text.clean(tls.version, '/tls/version'),
      cipher: text.clean(tls.cipher, '/tls/cipher'),
      sni: text.clean(tls.sni, '/tls/sni'),
      alpn: text.clean(tls.alpn, '/tls/alpn'),
      resumed: connection.resumed,
    },
  };
  return fragment(members, text);
}

/** The part of `correlation` that a connection's records share. */
export function connectionTail(connection: ConnectionFacts, limits: RecordLimits): Fragment {
  const text = new RecordText(limits);
  return fragment({ connection_id: text.clean(connection.connectionId, '/correlation/connection_id') }, text);
}

/** What was asked for; the object is left open, for what varies between calls. */
export function actionFragment(actions: readonly Action[], limits: RecordLimits): Fragment {
  const text = new RecordText(limits);
  const first = actions[0];
  const names = first === undefined || first.names.length < 2 ? [] : first.names;
  const members = {
    action: {
      // Never left out: what varies is put behind it.
      name: text.clean(first?.name, '/action/name') ?? null,
      names: text.list(names, '/action/names', (name, at) => text.clean(name, at)),
      required: text.list(actions.length > 1 ? actions : [], '/action/required', (action, at) =>
        text.clean(action.name, at),
      ),
      protocol: first?.protocol,
    },
  };
  return { text: asciiJson(members).slice(1, -2), masked: text.masked };
}

/** Most often the determining rule is all that fired; then it is not said twice. */
function isRuleAlone(decision: Decision): boolean {
  const { rule, matched } = decision;
  return rule !== null && matched.length === 1 && matched[0]?.name === rule.name && matched[0].policy === rule.policy;
}

function principalMembers(text: RecordText, principal: Principal): Record<string, unknown> {
  const spiffeId = text.cleanIdentity(principal.spiffeId, '/principal/workload_id');
  return {
    workload_id: spiffeId ?? 'anonymous',
    id: spiffeId === principal.id ? undefined : text.cleanIdentity(principal.id, '/principal/id'),
    type: text.clean(principal.type, '/principal/type'),
    trust_domain: text.clean(principal.trustDomain, '/principal/trust_domain'),
    namespace: text.clean(principal.namespace, '/principal/namespace'),
    service_account: text.clean(principal.serviceAccount, '/principal/service_account'),
    environment: text.clean(principal.environment, '/principal/environment'),
    attestation: text.clean(principal.attestation, '/principal/attestation'),
    issuer: text.clean(principal.issuer, '/principal/issuer'),
    authn: principal.authn,
  };
}

/** Never the credential: what names it, and from when to when it held. */
export function credentialMembers(text: RecordText, connection: ConnectionFacts): Record<string, unknown> {
  const { credential } = connection;
  return {
    type: credential.type,
    serial: text.clean(credential.serial, '/principal/credential/serial'),
    not_before: instant(credential.notBeforeMs),
    not_after: instant(credential.notAfterMs),
    fingerprint_sha256: text.clean(credential.fingerprintSha256, '/principal/credential/fingerprint_sha256'),
  };
}

function tokenMembers(text: RecordText, { connection, principal }: PeerParts): Record<string, unknown> | undefined {
  const [{ token }, { token: facts }] = [principal, connection];
  if (token === undefined) return undefined;
  const at = '/principal/token';
  const { actors } = token;
  return {
    issuer: text.clean(token.issuer, `${at}/issuer`),
    subject: text.clean(token.subject, `${at}/subject`),
    spiffe_id: text.cleanIdentity(token.spiffeId, `${at}/spiffe_id`),
    type: text.clean(token.type, `${at}/type`),
    actors: Array.isArray(actors)
      ? text.list(actors as readonly string[], `${at}/actors`, (name, place) => text.clean(name, place))
      : undefined,
    replayed: typeof token.replayed === 'boolean' ? token.replayed : undefined,
    jti_sha256: facts?.jtiSha256 ?? undefined,
    audience: text.list(facts?.audience ?? [], `${at}/audience`, (name, place) => text.clean(name, place)),
    not_after: instant(facts?.notAfterMs ?? null),
  };
}

/** What was wrong with a credential. */
export function failureMembers(text: RecordText, { cause, detail, shown }: AuthnFailure): Record<string, unknown> {
  return {
    cause: text.clean(cause, '/authn_failure/cause'),
    detail: text.clean(detail, '/authn_failure/detail'),
    shown: text.cleanIdentity(shown, '/authn_failure/shown'),
  };
}

function ruleMembers(text: RecordText, rule: RuleRef, at: string): Record<string, unknown> {
  return {
    policy: text.clean(rule.policy, `${at}/policy`),
    name: text.clean(rule.name, `${at}/name`),
    effect: rule.effect,
    priority: text.integer(rule.priority, `${at}/priority`),
  };
}

function openMembers(text: RecordText, open: IndeterminateRule, at: string): Record<string, unknown> {
  return {
    policy: text.clean(open.policy, `${at}/policy`),
    rule: text.clean(open.rule, `${at}/rule`),
    attributes: text.list(open.attributes, `${at}/attributes`, (name, place) => text.clean(name, place)),
  };
}

/** RFC 3339 of milliseconds since the Unix epoch; undefined outside of what a date can be. */
function instant(timeMs: number | null): string | undefined {
  if (timeMs === null || !(Math.abs(timeMs) <= 8.64e15)) return undefined;
  return new Date(timeMs).toISOString();
}

function fragment(members: Record<string, unknown>, text: RecordText): Fragment {
  return Object.freeze({ text: asciiJson(members).slice(1, -1), masked: Object.freeze(text.masked) });
}
