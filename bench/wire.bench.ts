// CPU time of the HTTP/1.1 codec for one ordinary message: read, made canonical, written anew, and put into octets.
// Prints nanoseconds, medians of rounds, and the same in units of one pass over the octets, which survives a noisy machine.
// `node bench/wire.bench.ts [--quick]`

import { canonicalizePath } from '../src/wire/canonical-path.ts';
import { serializeRequestHead, serializeResponseHead } from '../src/wire/forward-head.ts';
import { headLimitsDefaults } from '../src/wire/head-limits.ts';
import type { RequestHead, ResponseHead } from '../src/wire/http1-message.ts';
import { RequestParser } from '../src/wire/request-parser.ts';
import { ResponseParser } from '../src/wire/response-parser.ts';
import { median } from './statistics.ts';

const isQuick = process.argv.includes('--quick');
const calls = 50_000;
const warmUpRounds = 6;
const rounds = isQuick ? 5 : 25;

const request = Buffer.from(
  'GET /v1/payments/4711?expand=lines HTTP/1.1\r\nHost: payments.prod.svc.cluster.local:8443\r\n' +
    'User-Agent: checkout/4.2 (linux; node 26)\r\nAccept: application/json\r\nAccept-Encoding: gzip, br\r\n' +
    'X-Request-Id: 0b7c1d52-6d8f-4f0e-9a86-3f1f3b8a6f10\r\n' +
    'Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nX-Acme-Channel: web\r\n' +
    'Cookie: session=abcdefgh; theme=dark\r\nConnection: keep-alive\r\n\r\n',
);
const answer = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nDate: Sun, 22 Nov 2026 22:22:09 GMT\r\n' +
    'Content-Length: 27\r\nETag: "abc"\r\nCache-Control: no-store\r\nConnection: keep-alive\r\n' +
    'Keep-Alive: timeout=5\r\n\r\n{"id":4711,"amount":"1200"}',
);
const added =
  'x-forwarded-client-cert: By=spiffe://prod.acme.com/payments;Hash=ab12;URI=spiffe://prod.acme.com/checkout\r\n' +
  'x-request-id: 0b7c1d52-6d8f-4f0e-9a86-3f1f3b8a6f10\r\n';
const scratch = Buffer.alloc(64 * 1024);

/** What was done, so that nothing is optimised away. */
let work = 0;

/** Median CPU nanoseconds of one call. */
function nanoseconds(step: () => void): number {
  const samples = Array.from({ length: warmUpRounds + rounds }, () => {
    const before = process.cpuUsage();
    for (let call = 0; call < calls; call++) step();
    const used = process.cpuUsage(before);
    return ((used.user + used.system) * 1000) / calls;
  });
  // The first rounds are the compiler's.
  return median(samples.slice(warmUpRounds));
}

function ignore(): void {}

function refuse(error: Error): void {
  throw error;
}

function requestSteps(): { readonly read: () => void; readonly write: () => void } {
  let head: RequestHead | null = null;
  const parser = new RequestParser(headLimitsDefaults, {
    onRequestHead(next) {
      head = next;
    },
    onBody: ignore,
    onMessageEnd: () => parser.resume(),
    onWireError: refuse,
  });
  const read = (): void => parser.feed(request);
  const write = (): void => {
    const text = serializeRequestHead(head!, canonicalizePath(head!.rawPath) + head!.query, added);
    work += scratch.write(text, 'latin1');
  };
  return { read, write };
}

function answerSteps(): { readonly read: () => void; readonly write: () => void } {
  let head: ResponseHead | null = null;
  const parser = new ResponseParser(headLimitsDefaults, {
    onInterimHead: ignore,
    onResponseHead(next) {
      head = next;
    },
    onBody: (bytes) => {
      work += bytes.length;
    },
    onMessageEnd: ignore,
    onWireError: refuse,
  });
  const options = { added: 'x-postern-decision-id: 0b7c1d52\r\n', closeAfter: false, minorVersion: 1 } as const;
  const read = (): void => {
    parser.expect('GET');
    parser.feed(answer);
  };
  const write = (): void => {
    work += scratch.write(serializeResponseHead(head!, { ...options, framing: head!.framing }), 'latin1');
  };
  return { read, write };
}

/** One pass over the octets of the request: the unit that the rest is told in. */
function pass(): void {
  let sum = 0;
  for (let at = 0; at < request.length; at++) sum += request[at]!;
  work += sum;
}

function main(): void {
  const unit = nanoseconds(pass);
  const print = (what: string, ns: number): void =>
    console.log(`${what.padEnd(44)} ${ns.toFixed(0).padStart(6)} ns ${(ns / unit).toFixed(1).padStart(6)} passes`);
  for (const [what, steps] of [
    [`request head of ${request.length} bytes`, requestSteps()],
    [`answer of ${answer.length} bytes`, answerSteps()],
  ] as const) {
    const read = nanoseconds(steps.read);
    const write = nanoseconds(steps.write);
    print(`${what}, read`, read);
    print(`${what}, written`, write);
    print(`${what}, together`, read + write);
  }
  print('one pass over the octets', unit);
  if (work === 0) throw new Error('nothing was measured');
}

main();
