// An attack, in a process of its own. Process entry: target and name as JSON in the first argument; says `ready` when every
// attacker has come, and goes on until it is stopped.

import { setPriority } from 'node:os';
import { type AttackName, runAttack } from './load/attacks.ts';
import type { Target } from './load/load-job.ts';

// It shares its core with the caller whose latency is measured, and must not be what slows it.
setPriority(19);
const { name, target }: { name: AttackName; target: Target } = JSON.parse(process.argv[2] ?? 'null');
await runAttack(name, target, () => console.log('ready'));
