// A policy as written and checked: what the compiler, the linter and the explanation work on.

import type { SourcePosition } from '../errors.ts';
import type { YamlNode } from '../lib/yaml-tree.ts';
import type { Expression } from './expression.ts';

export type Effect = 'allow' | 'deny';
export type Mode = 'enforce' | 'shadow' | 'disabled';

/** One requirement, in the words of the author. */
export interface Clause {
  readonly expression: Expression;
  /** As shown in explanations: the condition as written, or `resource.type: database` for a target. */
  readonly text: string;
  readonly position: SourcePosition;
}

/** `principals:` or `resources:`: one of the alternatives must hold whole. */
export interface Target {
  readonly alternatives: readonly (readonly Clause[])[];
  readonly position: SourcePosition;
}

/** `credential:` of an allow rule: an obligation on whoever enforces it. */
export interface CredentialClause {
  readonly type: string;
  /** Seconds; null if none is given. */
  readonly ttlS: number | null;
  readonly autoRotate: boolean | null;
  readonly position: SourcePosition;
}

export interface RuleDocument {
  readonly name: string;
  readonly effect: Effect;
  readonly priority: number;
  readonly mode: Mode;
  readonly description: string | null;
  readonly principals: Target | null;
  readonly resources: Target | null;
  /** Null: any action. */
  readonly actions: readonly string[] | null;
  readonly conditions: readonly Clause[];
  readonly credential: CredentialClause | null;
  /** Names of further obligations; none is known to this version. */
  readonly obligations: readonly string[];
  /** An allow ends here; a deny goes on. Milliseconds since the Unix epoch, null if it does not expire. */
  readonly expiresMs: number | null;
  readonly position: SourcePosition;
}

export interface PolicyDocument {
  readonly name: string;
  readonly description: string | null;
  readonly mode: Mode;
  readonly defaultDecision: Effect;
  /** Null: every principal. */
  readonly principals: Target | null;
  readonly rules: readonly RuleDocument[];
  /** `tests:` of the file, unread. */
  readonly tests: YamlNode | null;
  readonly position: SourcePosition;
}
