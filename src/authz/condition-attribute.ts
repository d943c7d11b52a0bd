// From the path of an attribute in a condition to its entry in the schema.

import type { AttributeRef } from './attribute.ts';
import { isAttributeFault, resolveAttribute } from './attribute.ts';
import type { AttributeNode } from './condition-ast.ts';
import { ConditionError } from './condition-lexer.ts';

/** The attribute a node names. Throws ConditionError with L-ATTR. */
export function refOf(node: AttributeNode): AttributeRef {
  const found = resolveAttribute(node.root, node.steps);
  if (!isAttributeFault(found)) return found;
  const mend = found.nearest === null ? null : `did you mean \`${found.nearest}\`?`;
  throw new ConditionError({ at: node.at, code: 'L-ATTR', message: found.message, mend });
}
