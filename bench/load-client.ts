// The load, in a process of its own so that it can have its own core. Process entry: a job as JSON in the first argument,
// its result as one JSON line on stdout.

import { runClosedLoop } from './load/closed-loop.ts';
import { runConstantRate } from './load/constant-rate.ts';
import { runHandshakes } from './load/handshakes.ts';
import { runHold } from './load/hold.ts';
import type { LoadJob } from './load/load-job.ts';
import { runStreamHold, runStreams, runStreamTransfer } from './load/streams.ts';
import { runTransfer } from './load/transfer.ts';

function run(job: LoadJob): Promise<object> {
  switch (job.kind) {
    case 'closed-loop':
      return runClosedLoop(job);
    case 'constant-rate':
      return runConstantRate(job);
    case 'handshake':
      return runHandshakes(job);
    case 'transfer':
      return job.http2 === undefined ? runTransfer(job) : runStreamTransfer(job);
    case 'hold':
      return job.http2 === undefined ? runHold(job) : runStreamHold(job);
    case 'streams':
      return runStreams(job);
  }
}

const job: LoadJob = JSON.parse(process.argv[2] ?? 'null');
console.log(JSON.stringify(await run(job)));
process.exit(0); // connections that a proxy is slow to close need not be awaited
