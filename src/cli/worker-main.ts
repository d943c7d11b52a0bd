// What a worker process runs (`workers:` of the configuration). It is told everything by its supervisor.

import { serveCalls } from '../workers/worker-host.ts';
import { createWorkerRole } from '../workers/worker-role.ts';

serveCalls(createWorkerRole());
