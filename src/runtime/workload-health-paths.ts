// The health paths of the workload that the admin API passes on, and whom to ask.

import type { WorkloadHealthPaths } from '../admin/views.ts';
import { askWorkloadHealth } from '../admin/workload-health.ts';
import { PosternError } from '../errors.ts';
import type { InboundOptions } from '../proxy/inbound-options.ts';

/** A health path goes to the workload of the first listener that names it. */
export function workloadHealthPaths(options: () => readonly InboundOptions[]): WorkloadHealthPaths {
  return {
    paths: () => options().flatMap((one) => one.healthPassthrough),
    ask: (path) => {
      const found = options().find((one) => one.healthPassthrough.includes(path));
      if (found === undefined) throw new PosternError('ERR_INTERNAL', 'no listener has that health path');
      return askWorkloadHealth(found.forward, path);
    },
  };
}
