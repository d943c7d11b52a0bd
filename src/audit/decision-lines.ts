// HOT PATH (bench/audit.bench.ts). One decision, one line. JSON.stringify of the whole costs several times the decision
// itself, so what stays the same is encoded once (by object identity, or by comparison with the last of its route) and
// copied as bytes; the rest is concatenated, and every string of a stranger goes through RecordText.

import type { Action, Decision } from '../authz/model.ts';
import type { AuthnFailure, ConnectionFacts, DecisionEvent } from './decision-event.ts';
import { encodedOnce, type LineBuffer } from './line-buffer.ts';
import {
  actionFragment,
  connectionTail,
  decisionFragment,
  type Fragment,
  failureMembers,
  type PeerParts,
  peerFragment,
} from './record-fragments.ts';
import { asciiJson, maskedJson, type RecordLimits, RecordText, wholeNumber } from './record-text.ts';
import { RecordTime } from './record-time.ts';
import { ResourceFragments } from './resource-fragments.ts';

export interface DecisionLinesOptions {
  readonly limits: RecordLimits;
  /** Members that stand in every record of the stream, with a leading comma. */
  readonly stream: string;
  /** `audit.redact.path: template`. */
  readonly templateOnly: boolean;
}

interface PeerEntry extends PeerParts {
  readonly fragment: Fragment;
  /** The connection's part of `correlation`. */
  readonly tail: Fragment;
  /** Who asked for what, as of the connection's last record. */
  asked: Asked | null;
}

/** A part of a line that the next record of a connection most often repeats, and what it was made of. */
interface Asked {
  readonly action: Fragment;
  readonly resource: Fragment;
  readonly method: string | null;
  readonly whole: EncodedPart;
}

/** A fragment as bytes. */
interface EncodedPart {
  readonly bytes: Uint8Array;
  readonly masked: readonly string[];
}

interface QuotedText {
  readonly value: string;
  readonly quoted: string;
}

/** Encodes decisions for one set of limits. */
export class DecisionLines {
  readonly #options: DecisionLinesOptions;
  readonly #text: RecordText;
  readonly #time = new RecordTime();
  readonly #untilTime = new RecordTime();
  readonly #stream: Uint8Array;
  readonly #decisions = new WeakMap<Decision, EncodedPart>();
  readonly #actions = new WeakMap<object, Fragment>();
  readonly #peers = new WeakMap<ConnectionFacts, PeerEntry>();
  readonly #resources: ResourceFragments;
  /** The last method and host that needed no change. */
  #method: QuotedText = { value: '', quoted: '""' };
  #host: QuotedText = { value: '', quoted: '""' };

  constructor(options: DecisionLinesOptions) {
    this.#options = options;
    this.#stream = encodedOnce(options.stream);
    this.#text = new RecordText(options.limits);
    this.#resources = new ResourceFragments(options.limits);
  }

  /** Appends the line of `event`. */
  encode(event: DecisionEvent, seq: number, out: LineBuffer): void {
    if (this.#text.masked.length > 0) this.#text.masked = [];
    out.text(`{"schema":"postern.decision/1","type":"decision","time":"${this.#time.text(event.timeUs)}","seq":${seq}`);
    out.copy(this.#stream);
    out.text(`,"decision_id":"${event.decisionId}",`);
    this.#put(this.#decided(event.decision), out);
    out.text(`,"enforced":${event.enforced}${this.#obligations(event)},`);
    const peer = this.#peer(event);
    this.#put(this.#asked(event, peer), out);
    out.text(this.#call(event, peer));
  }

  /** What differs from call to call, to the end of the line. */
  #call(event: DecisionEvent, peer: PeerEntry): string {
    const text = this.#text;
    const { correlation } = event;
    const line =
      `${this.#http(event)},` +
      // Decision, trace and span id are hex of our own or checked digit by digit: nothing in them needs an escape.
      `"correlation":{"trace_id":"${correlation.traceId}","span_id":"${correlation.spanId}","trace_flags":"` +
      `${correlation.traceFlags}","request_id":` +
      `${text.quote(correlation.requestId, '/correlation/request_id')},"request_id_source":"` +
      `${correlation.requestIdSource}",${this.#textOf(peer.tail)}},"timing":{"eval_ns":` +
      `${wholeNumber(event.evalNs)}},"cache":{"plan":"${event.planCache}"}${alarms(event)}`;
    const failure = event.authnFailure;
    return line + (failure === undefined ? '' : this.#failed(failure)) + this.#masked(event.maskedInputs);
  }

  #failed(failure: AuthnFailure): string {
    return `,"authn_failure":${asciiJson(failureMembers(this.#text, failure))}`;
  }

  #put(part: EncodedPart, out: LineBuffer): void {
    if (part.masked.length > 0) this.#text.masked.push(...part.masked);
    out.copy(part.bytes);
  }

  #textOf(fragment: Fragment): string {
    if (fragment.masked.length > 0) this.#text.masked.push(...fragment.masked);
    return fragment.text;
  }

  #decided(decision: Decision): EncodedPart {
    let found = this.#decisions.get(decision);
    if (found === undefined) {
      found = encodedPart(decisionFragment(decision, this.#options.limits));
      this.#decisions.set(decision, found);
    }
    return found;
  }

  #action(actions: readonly Action[]): Fragment {
    const key = actions.length === 1 ? actions[0]! : actions;
    let found = this.#actions.get(key);
    if (found === undefined) {
      found = actionFragment(actions, this.#options.limits);
      this.#actions.set(key, found);
    }
    return found;
  }

  #peer(event: DecisionEvent): PeerEntry {
    const { connection } = event;
    const { principal, network, tls } = event.request;
    const found = this.#peers.get(connection);
    if (found !== undefined && found.principal === principal && found.network === network && found.tls === tls) {
      return found;
    }
    const parts = { connection, principal, network, tls };
    const { limits } = this.#options;
    const made = {
      ...parts,
      fragment: peerFragment(parts, limits),
      tail: connectionTail(connection, limits),
      asked: null,
    };
    this.#peers.set(connection, made);
    return made;
  }

  /** Peer, action and resource. */
  #asked(event: DecisionEvent, peer: PeerEntry): EncodedPart {
    const { request, method } = event;
    const action = this.#action(request.actions);
    const resource = this.#resources.of(request.resource);
    const last = peer.asked;
    const isRpc = typeof request.grpcMethod === 'string';
    if (last !== null && last.action === action && last.resource === resource && last.method === method && !isRpc) {
      return last.whole;
    }
    const whole = askedFragment({ event, peer: peer.fragment, action, resource }, this.#options.limits);
    if (!isRpc) peer.asked = { action, resource, method, whole };
    return whole;
  }

  #http(event: DecisionEvent): string {
    if (event.method === null && event.path === null && event.status === null) return '';
    const text = this.#text;
    let made =
      event.method === null
        ? ',"http":{"method":null'
        : `,"http":{"method":${this.#quotedMethod(event.method, '/http/method')}`;
    if (event.route !== null) made += `,"route":${text.quote(event.route, '/http/route')}`;
    if (!this.#options.templateOnly) made += `,"path":${text.quote(event.path, '/http/path')}`;
    else if (event.path !== null && event.path !== event.route) text.masked.push('/http/path');
    if (event.host !== null) made += `,"host":${this.#quotedHost(event.host)}`;
    if (event.upgrade !== null) made += `,"upgrade":"${event.upgrade}"`;
    if (event.status !== null) made += `,"status":${wholeNumber(event.status)}`;
    if (event.headerHashes !== null) made += `,"header_hashes":${hashesJson(event.headerHashes, text)}`;
    return `${made}}`;
  }

  #quotedMethod(method: string, pointer: string): string {
    if (method === this.#method.value) return this.#method.quoted;
    const quoted = this.#text.quote(method, pointer);
    if (quoted.length === method.length + 2) this.#method = { value: method, quoted };
    return quoted;
  }

  #quotedHost(host: string): string {
    if (host === this.#host.value) return this.#host.quoted;
    const quoted = this.#text.quote(host, '/http/host');
    if (quoted.length === host.length + 2) this.#host = { value: host, quoted };
    return quoted;
  }

  #obligations(event: DecisionEvent): string {
    const { obligations } = event.decision;
    if (obligations === null) return '';
    const ttl = wholeNumber(obligations.credentialTtlS);
    const until = this.#untilTime.text(event.timeUs + Number(ttl) * 1_000_000);
    return `,"obligations":{"credential_ttl_s":${ttl},"valid_until":"${until}"}`;
  }

  /** The end of a line. */
  #masked(inputs: readonly string[] | undefined): string {
    const own = this.#text.masked;
    if (inputs === undefined || inputs.length === 0) {
      return own.length === 0 ? '}\n' : `,"masked":${maskedJson(own, this.#options.limits)}}\n`;
    }
    return `,"masked":${maskedJson([...inputs, ...own], this.#options.limits)}}\n`;
  }
}

/** Joins the parts, and adds what of the call varies: the method of HTTP, the procedure of gRPC. */
function askedFragment(
  parts: {
    readonly event: DecisionEvent;
    readonly peer: Fragment;
    readonly action: Fragment;
    readonly resource: Fragment;
  },
  limits: RecordLimits,
): EncodedPart {
  const { event, peer, action, resource } = parts;
  const { grpcService, grpcMethod } = event.request;
  const own = new RecordText(limits);
  let call = event.method === null ? '' : `,"method":${own.quote(event.method, '/action/method')}`;
  if (typeof grpcService === 'string' && typeof grpcMethod === 'string') {
    call += `,"rpc":${own.quote(`${grpcService}/${grpcMethod}`, '/action/rpc')}`;
  }
  const masked = [...peer.masked, ...action.masked, ...own.masked, ...resource.masked];
  return encodedPart({ text: `${peer.text},${action.text}${call}},${resource.text}`, masked });
}

function encodedPart({ text, masked }: Fragment): EncodedPart {
  return { bytes: encodedOnce(text), masked };
}

function alarms(event: DecisionEvent): string {
  let made = '';
  if (event.environmentBoundary !== null) made = `,"environment_boundary":"${event.environmentBoundary}"`;
  if (event.credentialLifetimeAlarm) made += ',"credential_lifetime_alarm":true';
  return made;
}

function hashesJson(hashes: Readonly<Record<string, string>>, text: RecordText): string {
  const at = '/http/header_hashes';
  const names = Object.keys(hashes);
  const kept = names.slice(0, text.limits.list);
  if (names.length > kept.length) text.masked.push(at);
  return `{${kept.map((name) => `${text.quote(name, at)}:${text.quote(hashes[name], at)}`).join(',')}}`;
}
