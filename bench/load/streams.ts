// HTTP/2: a few connections with some requests in flight on each at all times, as services that share a channel have it; one large
// body over one stream; and many connections that do nothing.

import { setTimeout as pause } from 'node:timers/promises';
import { residentBytes } from '../cpu-time.ts';
import { bulkGetFields, bulkPostFields, callFields, Http2Connection, smallGetFields } from './http2-connection.ts';
import type { HoldJob, HoldResult, LoopResult, StreamsJob, TransferJob, TransferResult } from './load-job.ts';
import { readEdge, spanSince, watchResident } from './observer.ts';

const message = Buffer.alloc(64, 'm');
const usedAtOnce = 50;
const block = Buffer.alloc(64 * 1024, 'x');

export async function runStreams(job: StreamsJob): Promise<LoopResult> {
  const connections: Http2Connection[] = [];
  while (connections.length < job.connectionCount) connections.push(await Http2Connection.open(job.target));
  await exchange(connections, job, job.warmupCount);
  const before = readEdge(job.pids);
  await exchange(connections, job, job.requestCount);
  const span = spanSince(before, job.pids);
  for (const connection of connections) connection.close();
  const cpuUsPerRequest = span.cpuUs / job.requestCount;
  return { requestCount: job.requestCount, seconds: span.seconds, cpuUsPerRequest, stolenShare: span.stolenShare };
}

/** Sends `requestCount` requests over all connections together; resolves when the last one is answered. */
function exchange(
  connections: readonly Http2Connection[],
  { streamCount, request }: Pick<StreamsJob, 'streamCount' | 'request'>,
  requestCount: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let answered = 0;
    const sendOn = (connection: Http2Connection): void => {
      if (sent >= requestCount) return;
      sent += 1;
      const isCall = request === 'call';
      const stream = connection.ask(isCall ? callFields : smallGetFields, !isCall, () => {
        answered += 1;
        if (answered === requestCount) resolve();
        else sendOn(connection);
      });
      if (isCall) stream.sendData(message, true);
    };
    for (const connection of connections) {
      connection.onFailure = reject;
      for (let at = 0; at < streamCount; at++) sendOn(connection);
    }
  });
}

export async function runStreamTransfer(job: TransferJob): Promise<TransferResult> {
  const connection = await Http2Connection.open(job.target);
  const move = job.direction === 'download' ? download : upload;
  await move(connection, job.warmupBytes);
  const residentBefore = residentBytes(job.pids);
  const resident = watchResident(job.pids);
  const before = readEdge(job.pids);
  await move(connection, job.bytes);
  const span = spanSince(before, job.pids);
  connection.close();
  const residentPeak = resident.stop();
  const mbPerCpuSecond = job.bytes / span.cpuUs;
  return {
    bytes: job.bytes,
    seconds: span.seconds,
    mbPerCpuSecond,
    residentBefore,
    residentPeak,
    stolenShare: span.stolenShare,
  };
}

function download(connection: Http2Connection, byteCount: number): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.onFailure = reject;
    connection.ask(bulkGetFields(byteCount), true, resolve);
  });
}

function upload(connection: Http2Connection, byteCount: number): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.onFailure = reject;
    const stream = connection.ask(bulkPostFields, false, resolve);
    let left = byteCount;
    connection.onDrain = () => {
      while (left > 0 && stream.queuedBytes === 0 && !connection.isBusy) {
        const piece = left >= block.length ? block : block.subarray(0, left);
        left -= piece.length;
        stream.sendData(piece, left === 0);
      }
    };
    connection.onDrain();
  });
}

export async function runStreamHold(job: HoldJob): Promise<HoldResult> {
  const idle = residentBytes(job.pids);
  const connections: Http2Connection[] = [];
  while (connections.length < job.connectionCount) connections.push(await Http2Connection.open(job.target));
  // Some after the others: what counts is what stays with a connection that was used, and proxies bound what is under way at once.
  for (let at = 0; at < connections.length; at += usedAtOnce) {
    const used = connections.slice(at, at + usedAtOnce);
    await exchange(used, { streamCount: job.requestsEach, request: 'get' }, used.length * job.requestsEach);
  }
  const loaded = residentBytes(job.pids);
  await pause(job.restMs);
  const held = residentBytes(job.pids);
  for (const connection of connections) connection.close();
  await pause(job.settleMs);
  return { idle, loaded, held, closed: residentBytes(job.pids) };
}
