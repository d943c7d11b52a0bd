// HOT PATH (bench/audit.bench.ts). Turns events into records of the native encoding, one JSON object a line (records.md).
// JSON.stringify of a whole record costs several times the decision, so what stays the same is encoded once and the rest
// is concatenated; every string of a stranger goes through RecordText.

import type { Action, Resource } from '../authz/model.ts';
import type { AuthnFailedEvent, ConnectionFacts, DecisionEvent, OutcomeEvent } from './decision-event.ts';
import type { JournalOptions } from './journal-options.ts';
import type { Fragment, PeerParts } from './record-fragments.ts';
import { actionFragment, credentialMembers, decisionFragment, peerFragment } from './record-fragments.ts';
import type { RecordLimits } from './record-text.ts';
import { asciiJson, maskedJson, RecordText, recordLimits, wholeNumber } from './record-text.ts';
import { RecordTime } from './record-time.ts';

/** Longest line with its line feed, bytes. */
export const lineBytes = 16 * 1024;

/** What an encoder must know beforehand. */
export interface EncoderOptions extends Pick<JournalOptions, 'proxy' | 'redactPath'> {
  readonly streamId: string;
}

/** Encodes records. Lines are ASCII, end with a line feed and have at most `lineBytes`. */
export class NativeEncoder {
  readonly #passes: readonly [EncoderPass, EncoderPass, EncoderPass];

  constructor(options: EncoderOptions) {
    const [normal, tight, least] = recordLimits;
    this.#passes = [new EncoderPass(options, normal), new EncoderPass(options, tight), new EncoderPass(options, least)];
  }

  decision(event: DecisionEvent, seq: number): string {
    const [normal, tight, least] = this.#passes;
    let line = normal.decision(event, seq);
    if (line.length > lineBytes) line = tight.decision(event, seq);
    return line.length > lineBytes ? least.decision(event, seq) : line;
  }

  /** A `decision` record too: a deny of a peer that has no identity. Its fields are capped, so it always fits. */
  authnFailed(event: AuthnFailedEvent, seq: number): string {
    return this.#passes[0].authnFailed(event, seq);
  }

  outcome(event: OutcomeEvent, seq: number): string {
    return this.#passes[0].outcome(event, seq);
  }
}

interface PeerEntry extends PeerParts {
  readonly fragment: Fragment;
}

/** One encoder for one set of limits, with its own caches. */
class EncoderPass {
  readonly #limits: RecordLimits;
  readonly #text: RecordText;
  readonly #time = new RecordTime();
  readonly #untilTime = new RecordTime();
  readonly #templateOnly: boolean;
  /** From `seq` on: what stands in every record of the stream. */
  readonly #stream: string;
  readonly #decisions = new WeakMap<object, Fragment>();
  readonly #actions = new WeakMap<object, Fragment>();
  readonly #peers = new WeakMap<ConnectionFacts, PeerEntry>();

  constructor(options: EncoderOptions, limits: RecordLimits) {
    this.#limits = limits;
    this.#text = new RecordText(limits);
    this.#templateOnly = options.redactPath === 'template';
    this.#stream = streamMembers(options, limits);
  }

  decision(event: DecisionEvent, seq: number): string {
    const text = this.#text;
    text.masked = [];
    const { request, decision, correlation } = event;
    const decided = this.#decided(decision);
    const peer = this.#peer(event);
    const action = this.#action(request.actions);
    if (decided.masked.length > 0) text.masked.push(...decided.masked);
    if (peer.masked.length > 0) text.masked.push(...peer.masked);
    if (action.masked.length > 0) text.masked.push(...action.masked);
    const line =
      `{"schema":"postern.decision/1","type":"decision","time":"${this.#time.text(event.timeUs)}","seq":${seq}` +
      `${this.#stream},"decision_id":${text.quote(event.decisionId, '/decision_id')},${decided.text},"enforced":` +
      `${event.enforced}${this.#obligations(event)},${peer.text},${action.text.slice(0, -1)}${this.#call(event)}},` +
      `"resource":${this.#resource(request.resource)},"http":${this.#http(event)},` +
      `"correlation":{"trace_id":${text.quote(correlation.traceId, '/correlation/trace_id')},"span_id":` +
      `${text.quote(correlation.spanId, '/correlation/span_id')},"trace_flags":` +
      `${text.quote(correlation.traceFlags, '/correlation/trace_flags')},"request_id":` +
      `${text.quote(correlation.requestId, '/correlation/request_id')},"request_id_source":"` +
      `${correlation.requestIdSource}","connection_id":` +
      `${text.quote(event.connection.connectionId, '/correlation/connection_id')}},"timing":{"eval_ns":` +
      `${wholeNumber(event.evalNs)}},"cache":{"plan":"${event.planCache}"}${this.#alarms(event)}`;
    return line + this.#masked(event.maskedInputs);
  }

  authnFailed(event: AuthnFailedEvent, seq: number): string {
    const text = this.#text;
    text.masked = [];
    const members = {
      decision_id: text.clean(event.decisionId, '/decision_id'),
      decision: 'deny',
      reason: event.reason,
      enforced: true,
      authn_failure: {
        cause: text.clean(event.cause, '/authn_failure/cause'),
        detail: text.clean(event.detail, '/authn_failure/detail'),
        shown: text.cleanIdentity(event.shown, '/authn_failure/shown'),
      },
      listener: text.clean(event.connection.listener, '/listener'),
      principal: { workload_id: 'anonymous', authn: 'none', credential: credentialMembers(text, event.connection) },
      network: {
        direction: 'inbound',
        source_ip: text.clean(event.sourceIp, '/network/source_ip'),
        source_port: text.integer(event.sourcePort, '/network/source_port'),
        destination_ip: text.clean(event.destinationIp, '/network/destination_ip'),
        destination_port: text.integer(event.destinationPort, '/network/destination_port'),
      },
      tls: { sni: text.clean(event.sni, '/tls/sni'), resumed: event.connection.resumed },
      correlation: { connection_id: text.clean(event.connection.connectionId, '/correlation/connection_id') },
    };
    return this.#slow('decision', event.timeUs, seq, members);
  }

  outcome(event: OutcomeEvent, seq: number): string {
    const text = this.#text;
    text.masked = [];
    const members = {
      decision_id: text.clean(event.decisionId, '/decision_id'),
      outcome: {
        result: event.result,
        status: text.integer(event.status, '/outcome/status'),
        request_bytes: text.integer(event.requestBytes, '/outcome/request_bytes'),
        response_bytes: text.integer(event.responseBytes, '/outcome/response_bytes'),
        detail: text.clean(event.detail, '/outcome/detail'),
      },
      correlation: {
        trace_id: text.clean(event.traceId, '/correlation/trace_id'),
        request_id: text.clean(event.requestId, '/correlation/request_id'),
        connection_id: text.clean(event.connectionId, '/correlation/connection_id'),
      },
      timing: { total_us: text.integer(event.durationUs, '/timing/total_us') },
    };
    return this.#slow('outcome', event.timeUs, seq, members);
  }

  #slow(type: 'decision' | 'outcome', timeUs: number, seq: number, members: Record<string, unknown>): string {
    const head = `{"schema":"postern.decision/1","type":"${type}","time":"${this.#time.text(timeUs)}","seq":${seq}`;
    return `${head}${this.#stream},${asciiJson(members).slice(1, -1)}${this.#masked(undefined)}`;
  }

  #decided(decision: DecisionEvent['decision']): Fragment {
    let found = this.#decisions.get(decision);
    if (found === undefined) {
      found = decisionFragment(decision, this.#limits);
      this.#decisions.set(decision, found);
    }
    return found;
  }

  #action(actions: readonly Action[]): Fragment {
    // The list is new with each request of a caller that builds it so; the first action is what is interned.
    const key = actions.length === 1 ? actions[0]! : actions;
    let found = this.#actions.get(key);
    if (found === undefined) {
      found = actionFragment(actions, this.#limits);
      this.#actions.set(key, found);
    }
    return found;
  }

  #peer(event: DecisionEvent): Fragment {
    const { connection, request } = event;
    const found = this.#peers.get(connection);
    const { principal, network, tls } = request;
    if (found !== undefined && found.principal === principal && found.network === network && found.tls === tls) {
      return found.fragment;
    }
    const parts = { connection, principal, network, tls };
    const fragment = peerFragment(parts, this.#limits);
    this.#peers.set(connection, { ...parts, fragment });
    return fragment;
  }

  /** What of the call varies: the method of HTTP, the procedure of gRPC. */
  #call(event: DecisionEvent): string {
    const { grpcService, grpcMethod } = event.request;
    const method = event.method === null ? '' : `,"method":${this.#text.quote(event.method, '/action/method')}`;
    if (typeof grpcService !== 'string' || typeof grpcMethod !== 'string') return method;
    return `${method},"rpc":${this.#text.quote(`${grpcService}/${grpcMethod}`, '/action/rpc')}`;
  }

  #resource(resource: Resource): string {
    const text = this.#text;
    let made = `{"type":${text.quote(resource.type, '/resource/type')}`;
    if (resource.name !== undefined) made += `,"name":${text.quote(resource.name, '/resource/name')}`;
    if (resource.id !== undefined) made += `,"id":${text.quote(resource.id, '/resource/id')}`;
    if (resource.namespace !== undefined)
      made += `,"namespace":${text.quote(resource.namespace, '/resource/namespace')}`;
    if (resource.environment !== undefined) {
      made += `,"environment":${text.quote(resource.environment, '/resource/environment')}`;
    }
    if (resource.host !== undefined) made += `,"host":${text.quote(resource.host, '/resource/host')}`;
    if (typeof resource.port === 'number') made += `,"port":${wholeNumber(resource.port)}`;
    if (resource.route !== undefined) made += `,"route":${text.quote(resource.route, '/resource/route')}`;
    if (resource.service !== undefined) made += `,"service":${text.quote(resource.service, '/resource/service')}`;
    if (resource.topic !== undefined) made += `,"topic":${text.quote(resource.topic, '/resource/topic')}`;
    if (resource.owner !== undefined) made += `,"owner":${text.quote(resource.owner, '/resource/owner')}`;
    return `${made}}`;
  }

  #http(event: DecisionEvent): string {
    const text = this.#text;
    if (event.method === null && event.path === null) return 'null';
    let made = `{"method":${text.quote(event.method, '/http/method')}`;
    if (event.route !== null) made += `,"route":${text.quote(event.route, '/http/route')}`;
    if (!this.#templateOnly) made += `,"path":${text.quote(event.path, '/http/path')}`;
    else if (event.path !== event.route) text.masked.push('/http/path');
    if (event.host !== null) made += `,"host":${text.quote(event.host, '/http/host')}`;
    if (event.status !== null) made += `,"status":${wholeNumber(event.status)}`;
    if (event.headerHashes !== null) made += `,"header_hashes":${hashesJson(event.headerHashes, text)}`;
    return `${made}}`;
  }

  #obligations(event: DecisionEvent): string {
    const { obligations } = event.decision;
    if (obligations === null) return '';
    const ttl = wholeNumber(obligations.credentialTtlS);
    const until = this.#untilTime.text(event.timeUs + obligations.credentialTtlS * 1_000_000);
    return `,"obligations":{"credential_ttl_s":${ttl},"valid_until":"${until}"}`;
  }

  #alarms(event: DecisionEvent): string {
    let made = '';
    if (event.environmentBoundary !== null) made = `,"environment_boundary":"${event.environmentBoundary}"`;
    if (event.credentialLifetimeAlarm) made += ',"credential_lifetime_alarm":true';
    return made;
  }

  /** The end of a line. */
  #masked(inputs: readonly string[] | undefined): string {
    const own = this.#text.masked;
    if (inputs === undefined || inputs.length === 0) {
      return own.length === 0 ? '}\n' : `,"masked":${maskedJson(own, this.#limits)}}\n`;
    }
    return `,"masked":${maskedJson([...inputs, ...own], this.#limits)}}\n`;
  }
}

function streamMembers(options: EncoderOptions, limits: RecordLimits): string {
  const text = new RecordText(limits);
  const { proxy } = options;
  const members = {
    stream_id: options.streamId,
    proxy: {
      instance: text.clean(proxy.instance, '/proxy/instance'),
      workload_id: text.cleanIdentity(proxy.workloadId, '/proxy/workload_id'),
      node: text.clean(proxy.node, '/proxy/node'),
      pod: text.clean(proxy.pod, '/proxy/pod'),
      version: text.clean(proxy.version, '/proxy/version'),
    },
  };
  return `,${asciiJson(members).slice(1, -1)}`;
}

function hashesJson(hashes: Readonly<Record<string, string>>, text: RecordText): string {
  const kept = Object.entries(hashes).slice(0, text.limits.list);
  if (Object.keys(hashes).length > kept.length) text.masked.push('/http/header_hashes');
  const pairs = kept.map(
    ([name, hash]) => `${text.quote(name, '/http/header_hashes')}:${text.quote(hash, '/http/header_hashes')}`,
  );
  return `{${pairs.join(',')}}`;
}
