// Runs cases of the strictness table against one real sidecar over mutual TLS, with a workload that keeps every octet, and
// holds for each of them what must hold whatever the case expects.

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import tls from 'node:tls';
import { type Made, makeCa, makeLeaf } from '../identity/workshop.ts';
import type { CaseListener, Expectation, WireCase } from '../wire-cases/wire-case.ts';
import { freePort } from './free-port.ts';
import { Mesh } from './mesh.ts';
import { RawPeer } from './raw-peer.ts';
import { RecordingWorkload } from './recording-workload.ts';
import type { SidecarProcess } from './sidecar-process.ts';
import { type ReadMessage, readAnswers, valuesOf } from './strict-reader.ts';
import { callerId, checkAdded, checkCallerSide, checkWorkloadSide } from './strictness-checks.ts';
import { waitFor } from './wait-for.ts';
import { WireCaseWorkload } from './wire-case-workload.ts';

const goodTarget = '/good';
const deadlineMs = 10_000;
/** Well below the 4 s after which the sidecar closes an idle connection to the workload anyway. */
const droppedWithinMs = 2_500;

/** What one case left behind, for the checks of the journal. */
export interface CaseTrace {
  readonly one: WireCase;
  /** Decision ids of what reached the workload, with the path it saw. */
  readonly forwarded: ReadonlyMap<string, string>;
  /** Decision ids of Postern's own answers, with their status. */
  readonly refused: ReadonlyMap<string, number>;
}

interface Caller {
  readonly context: tls.SecureContext;
  readonly fingerprint: string;
}

export class StrictnessWorld {
  readonly mesh: Mesh;
  readonly sidecar: SidecarProcess;
  readonly traces: CaseTrace[] = [];
  /** Decision ids of the good requests. */
  readonly goodIds = new Set<string>();
  readonly #workload: WireCaseWorkload;
  readonly #ports: Readonly<Record<CaseListener, number>>;
  readonly #ca: Made;
  readonly #caller: Caller;
  /** The connection of the last good request. */
  #next: { readonly listener: CaseListener; readonly peer: RawPeer } | null = null;

  private constructor(parts: {
    readonly mesh: Mesh;
    readonly sidecar: SidecarProcess;
    readonly workload: WireCaseWorkload;
    readonly ports: Readonly<Record<CaseListener, number>>;
    readonly ca: Made;
    readonly caller: Caller;
  }) {
    this.mesh = parts.mesh;
    this.sidecar = parts.sidecar;
    this.#workload = parts.workload;
    this.#ports = parts.ports;
    this.#ca = parts.ca;
    this.#caller = parts.caller;
  }

  static async start(t: { after(fn: () => void | Promise<void>): void }): Promise<StrictnessWorld> {
    const recording = await RecordingWorkload.start();
    t.after(() => recording.stop());
    const ports = { reject: await freePort(), canonicalize: await freePort(), parameters: await freePort() };
    const inbound = Object.entries(ports).map(([name, port]) =>
      listenerYaml(name as CaseListener, port, recording.port),
    );
    const mesh = await Mesh.create(t, {
      workloadPort: recording.port,
      sections: { inbound: `inbound:\n${inbound.join('')}` },
    });
    const ca = await makeCa({ subject: 'CN=Names CA', uris: ['spiffe://prod.acme.com'] });
    mesh.put('bundle.pem', mesh.ca.bundlePem + ca.pem);
    const sidecar = await mesh.start(t);
    const credentials = await mesh.caller(callerId);
    const caller = {
      context: tls.createSecureContext(credentials),
      fingerprint: fingerprintOf(credentials.cert!),
    };
    return new StrictnessWorld({ mesh, sidecar, workload: new WireCaseWorkload(recording), ports, ca, caller });
  }

  /** Sends the case, then good requests, and checks everything that can be seen outside the journal. */
  async run(one: WireCase): Promise<void> {
    this.#workload.begin(one.workload ?? null);
    const caller = one.certificateNames === undefined ? this.#caller : await this.#named(one.certificateNames);
    const peer = await this.#peerFor(one, caller);
    for (const piece of typeof one.send === 'string' ? [one.send] : one.send) {
      peer.send(piece);
      await nextTurn();
    }
    if (one.halfCloses === true) peer.socket.end();
    const answers = await this.#settle(peer, one);
    await this.#workloadDone(one);
    await this.#goodRequest(one.listener ?? 'reject');
    peer.close();
    this.#check(one, caller, answers);
  }

  /**
   * A case follows the good request of the one before on its connection: half the handshakes. What does not begin like a
   * request comes first on a connection of its own.
   */
  async #peerFor(one: WireCase, caller: Caller): Promise<RawPeer> {
    const { listener = 'reject', serverName } = one;
    const next = this.#next;
    this.#next = null;
    const isOrdinary = caller === this.#caller && serverName === undefined && /^[A-Z]/.test(one.send[0]!);
    if (next !== null && isOrdinary && next.listener === listener) {
      next.peer.received = '';
      return next.peer;
    }
    next?.peer.close();
    return this.#connect(listener, caller, serverName);
  }

  async #connect(listener: CaseListener, caller: Caller, servername?: string): Promise<RawPeer> {
    const options = {
      secureContext: caller.context,
      ecdhCurve: 'X25519',
      ...(servername === undefined ? {} : { servername }),
    };
    const peer = RawPeer.connect(this.#ports[listener], { ca: this.mesh.ca.bundlePem }, options);
    await settled(peer, () => peer.socket.getPeerX509Certificate() !== undefined);
    assert.equal(peer.error, null, 'the handshake');
    return peer;
  }

  /** The workload did all that the case says; a connection that was out of step is ended by the sidecar. */
  async #workloadDone({ workload, expect }: WireCase): Promise<void> {
    if (workload === undefined) return;
    await this.#workload.finished();
    const isOutOfStep = expect.kind === 'answered' ? expect.dropsWorkload === true : expect.kind !== 'forwarded';
    if (!isOutOfStep) return;
    await waitFor('the end of the connection to the workload', () => this.#workload.isDropped, droppedWithinMs);
  }

  async #named(names: NonNullable<WireCase['certificateNames']>): Promise<Caller> {
    const leaf = await makeLeaf({
      subject: [{ CN: [names.commonName] }],
      uris: [callerId],
      ...(names.dns === undefined ? {} : { dns: [names.dns] }),
      issuer: this.#ca,
    });
    const credentials = { cert: leaf.pem, key: leaf.keyPem, ca: this.mesh.ca.bundlePem };
    return { context: tls.createSecureContext(credentials), fingerprint: fingerprintOf(leaf.pem) };
  }

  /** The answers to the case, once there are as many as it expects; a kept connection then has to serve another request. */
  async #settle(peer: RawPeer, one: WireCase): Promise<ReadMessage[]> {
    const methods = methodsOf(one);
    const read = (isClosed: boolean): ReadMessage[] => readAnswers(peer.received, methods, isClosed);
    const { finals, closes } = awaited(one.expect);
    const isServed = (): boolean => !closes && finalsOf(read(false)).filter((each) => each.isWhole).length >= finals;
    await settled(peer, isServed);
    if (peer.closed || one.halfCloses === true) return this.#closed(peer, () => read(true));
    const last = finalsOf(read(false)).at(-1)!;
    if (valuesOf(last, 'connection').includes('close')) return this.#closed(peer, () => read(true));
    peer.send(`GET ${goodTarget} HTTP/1.1\r\nHost: good\r\n\r\n`);
    const all = (): ReadMessage[] => readAnswers(peer.received, [...methods, 'GET'], false);
    await settled(peer, () => finalsOf(all()).length > finals);
    const answers = all();
    this.#checkGood(answers.at(-1)!);
    return answers.slice(0, -1);
  }

  async #closed(peer: RawPeer, read: () => ReadMessage[]): Promise<ReadMessage[]> {
    await settled(peer, () => false);
    return read();
  }

  async #goodRequest(listener: CaseListener): Promise<void> {
    const peer = await this.#connect(listener, this.#caller);
    peer.send(`GET ${goodTarget} HTTP/1.1\r\nHost: good\r\n\r\n`);
    const read = (): ReadMessage[] => readAnswers(peer.received, ['GET'], false);
    await settled(peer, () => read()[0]?.isWhole === true);
    const answers = read();
    assert.equal(answers.length, 1, 'one answer to the good request');
    this.#checkGood(answers[0]!);
    this.#next = { listener, peer };
  }

  #checkGood(answer: ReadMessage): void {
    assert.equal(answer.startLine, 'HTTP/1.1 200 OK', 'a good request works afterwards');
    assert.equal(answer.body, 'ok');
    this.goodIds.add(valuesOf(answer, 'x-postern-decision-id')[0]!);
  }

  #check(one: WireCase, caller: Caller, answers: readonly ReadMessage[]): void {
    const { seen, unfinished } = this.#workload.received(goodTarget);
    for (const message of [...seen, ...unfinished]) checkAdded(message, one, caller.fingerprint);
    checkWorkloadSide(one, seen, unfinished);
    checkCallerSide(one.expect, answers);
    const pathOf = (message: ReadMessage): string => message.startLine.split(' ')[1]!.split('?', 1)[0]!;
    const withHead = [...seen, ...unfinished].filter((message) => message.fields.length > 0);
    const refusals = finalsOf(answers).filter((answer) =>
      valuesOf(answer, 'content-type').includes('application/problem+json'),
    );
    this.traces.push({
      one,
      forwarded: new Map(withHead.map((message) => [idOf(message), pathOf(message)])),
      refused: new Map(refusals.map((answer) => [idOf(answer), Number(answer.startLine.slice(9, 12))])),
    });
  }
}

/** What the class of denials is about; no policy allows the action. */
const deniedRoutes = `    routes:
      - { match: { path: "/denied/{rest...}" }, action: forbidden }
      - { match: { host: denied.internal }, action: forbidden }
      - { match: { header: { x-denied: "yes" } }, action: forbidden }
`;

function listenerYaml(name: CaseListener, port: number, workloadPort: number): string {
  const options: Readonly<Record<CaseListener, string>> = {
    reject: '',
    canonicalize: '    path_normalization: canonicalize\n',
    parameters: '    path_parameters: pass\n',
  };
  return `  - name: ${name}\n    listen: 127.0.0.1:${port}\n    forward: http://127.0.0.1:${workloadPort}\n    action: read\n${deniedRoutes}${options[name]}`;
}

function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Resolves when `probe` holds or the connection is closed. */
function settled(peer: RawPeer, probe: () => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => reject(new Error(`waited in vain; got ${JSON.stringify(peer.received)}`)), deadlineMs);
  const look = (): void => {
    try {
      if (peer.closed || probe()) resolve();
    } catch (error) {
      reject(error);
    }
  };
  const events = ['data', 'secureConnect', 'close'] as const;
  for (const event of events) peer.socket.on(event, look);
  look();
  return promise.finally(() => {
    clearTimeout(late);
    for (const event of events) peer.socket.off(event, look);
  });
}

function methodsOf(one: WireCase): string[] {
  const { expect } = one;
  const first = (typeof one.send === 'string' ? one.send : one.send[0]!).split(' ', 1)[0]!;
  if (expect.kind === 'judged') return expect.statuses.map(() => first);
  if (expect.kind === 'answered') return Array.from({ length: expect.count ?? 1 }, () => first);
  if (expect.kind !== 'forwarded') return [first];
  return expect.requests.map((request) => request.split(' ', 1)[0]!);
}

/** How many final answers the caller is to get, and whether the connection must end with them. */
function awaited(expect: Expectation): { readonly finals: number; readonly closes: boolean } {
  if (expect.kind === 'forwarded') return { finals: expect.requests.length, closes: expect.next !== undefined };
  if (expect.kind === 'judged') return { finals: expect.statuses.length, closes: expect.closes };
  if (expect.kind === 'answered') return { finals: expect.count ?? 1, closes: false };
  return { finals: 1, closes: expect.kind === 'refused' || expect.kind === 'cut' };
}

function finalsOf(answers: readonly ReadMessage[]): ReadMessage[] {
  return answers.filter((answer) => !answer.startLine.startsWith('HTTP/1.1 1'));
}

function idOf(message: ReadMessage): string {
  return valuesOf(message, 'x-postern-decision-id')[0] ?? '';
}
