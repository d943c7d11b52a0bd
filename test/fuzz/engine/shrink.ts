// Makes a failing input smaller: what can be cut out while it goes on failing in the same way is no part of the finding.

import { type FuzzFinding, failureOf } from './fuzz-run.ts';
import type { FuzzTarget } from './fuzz-target.ts';

/** Most runs of the target spent on it. */
const runs = 2_000;

/** The smallest input found that fails with the same kind of error. */
export async function shrink(target: FuzzTarget, finding: FuzzFinding): Promise<FuzzFinding> {
  const kind = kindOf(finding.error);
  let best = finding;
  let left = runs;
  for (let size = best.input.length >> 1; size > 0 && left > 0; size >>= 1) {
    for (let at = 0; at + size <= best.input.length && left > 0; ) {
      const input = best.input.slice(0, at) + best.input.slice(at + size);
      const error = await failureOf(target, input);
      left--;
      if (error !== null && kindOf(error) === kind) best = { input, error };
      else at += size;
    }
  }
  return best;
}

/** The first words of the message: what follows shows the input. */
function kindOf(error: unknown): string {
  const { name, message } = error as Error;
  return `${name}: ${message.split(/[\n`:]/, 1)[0]}`;
}
