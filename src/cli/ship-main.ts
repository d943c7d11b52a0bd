// What the thread runs that ships records to sinks (`audit.sinks` of the configuration).

import { parentPort, workerData } from 'node:worker_threads';
import type { ShipOrder } from '../audit/sinks/ship-messages.ts';
import { shipInThread } from '../audit/sinks/ship-thread.ts';

if (parentPort !== null) await shipInThread(workerData as ShipOrder, parentPort);
