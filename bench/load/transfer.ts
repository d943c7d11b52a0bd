// One large body, down or up, over one connection: the cost of a byte, and whether memory stays flat.

import { once } from 'node:events';
import { residentBytes } from '../cpu-time.ts';
import type { TransferJob, TransferResult } from './load-job.ts';
import { readEdge, spanSince, watchResident } from './observer.ts';
import { createDialer, type RawConnection } from './raw-connection.ts';
import { bulkGet, bulkPost } from './requests.ts';

const block = Buffer.alloc(256 * 1024, 'x');

export async function runTransfer(job: TransferJob): Promise<TransferResult> {
  const connection = await createDialer(job.target).open(block.length);
  const move = job.direction === 'download' ? download : upload;
  await move(connection, job.warmupBytes);
  const residentBefore = residentBytes(job.pids);
  const resident = watchResident(job.pids);
  const before = readEdge(job.pids);
  await move(connection, job.bytes);
  const span = spanSince(before, job.pids);
  connection.close();
  return {
    bytes: job.bytes,
    seconds: span.seconds,
    mbPerCpuSecond: job.bytes / span.cpuUs,
    residentBefore,
    residentPeak: resident.stop(),
    stolenShare: span.stolenShare,
  };
}

async function download(connection: RawConnection, bytes: number): Promise<void> {
  const answer = answered(connection);
  connection.send(bulkGet(bytes));
  await answer;
}

async function upload(connection: RawConnection, bytes: number): Promise<void> {
  const answer = answered(connection);
  connection.send(bulkPost(bytes));
  for (let left = bytes; left > 0; left -= block.length) {
    const taken = connection.socket.write(left >= block.length ? block : block.subarray(0, left));
    if (!taken) await Promise.race([once(connection.socket, 'drain'), answer]);
  }
  await answer;
}

/** Resolves when the answer has come whole: to a download with all its bytes, to an upload when the workload has them. */
function answered(connection: RawConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.onAnswer = resolve;
    connection.onFailure = reject;
  });
}
