// A worker process without a sidecar: answers, and on `commit` stands still as a loop that never comes round.

import process from 'node:process';
import { PosternError } from '../../src/errors.ts';
import type { WorkerRole } from '../../src/workers/worker-host.ts';
import { serveCalls } from '../../src/workers/worker-host.ts';

const role: Partial<WorkerRole> = {
  health: () => [],
  kept: () => ({ denies: 1, allows: 2 }),
  prepare: () => Promise.reject(new PosternError('ERR_POLICY_INVALID', 'the policy is broken', { mend: 'mend it' })),
  commit: () => {
    for (;;) process.hrtime();
  },
  discard: () => process.exit(7),
  orphaned: () => Promise.resolve(),
  stop: () => Promise.resolve(true),
};

serveCalls(role as WorkerRole);
