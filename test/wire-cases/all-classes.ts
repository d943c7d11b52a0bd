// The classes of the strictness table, in the order of docs/strictness.md.

import { answers } from './answers.ts';
import { badAnswers } from './bad-answers.ts';
import { chunks } from './chunks.ts';
import { connections } from './connections.ts';
import { denials } from './denials.ts';
import { framing } from './framing.ts';
import { headers } from './headers.ts';
import { hosts } from './hosts.ts';
import { lines } from './lines.ts';
import { paths } from './paths.ts';
import { records } from './records.ts';
import { targets } from './targets.ts';
import type { WireCaseClass } from './wire-case.ts';

export const wireCaseClasses: readonly WireCaseClass[] = [
  framing,
  connections,
  chunks,
  lines,
  targets,
  hosts,
  paths,
  denials,
  headers,
  badAnswers,
  answers,
  records,
];
