// HOT PATH (bench/policy.bench.ts). From an expression to a closure. Closures and not generated code, so that the proxy
// can run with --disallow-code-generation-from-strings.

import type { AttributeRef } from './attribute.ts';
import { comparisonTest } from './comparison-test.ts';
import type { Expression, Test } from './expression.ts';
import type { Truth } from './kleene.ts';
import { FALSE, not, TRUE, truthOf, UNKNOWN } from './kleene.ts';

/** Compiles an expression. */
export function compileTest(expression: Expression): Test {
  switch (expression.kind) {
    case 'constant': {
      const truth = truthOf(expression.value);
      return () => truth;
    }
    case 'all':
      return conjunction(expression.items.map(compileTest));
    case 'any':
      return disjunction(expression.items.map(compileTest));
    case 'not': {
      const inner = compileTest(expression.item);
      return (request, action) => not(inner(request, action));
    }
    case 'exists':
      return existsTest(expression.attribute);
    case 'holds':
      return holdsTest(expression.attribute);
    case 'compare':
      return comparisonTest(expression);
  }
}

function conjunction(tests: readonly Test[]): Test {
  return (request, action) => {
    let truth: Truth = TRUE;
    for (let n = 0; n < tests.length; n++) {
      const one = tests[n]!(request, action);
      if (one === FALSE) return FALSE;
      if (one === UNKNOWN) truth = UNKNOWN;
    }
    return truth;
  };
}

function disjunction(tests: readonly Test[]): Test {
  return (request, action) => {
    let truth: Truth = FALSE;
    for (let n = 0; n < tests.length; n++) {
      const one = tests[n]!(request, action);
      if (one === TRUE) return TRUE;
      if (one === UNKNOWN) truth = UNKNOWN;
    }
    return truth;
  };
}

// A value of the wrong type exists: `exists x and …` then goes on to be unknown, which denies.
function existsTest(attribute: AttributeRef): Test {
  const { keys } = attribute;
  const { read } = attribute.spec;
  return (request, action) => (read(request, keys, action) === undefined ? FALSE : TRUE);
}

function holdsTest(attribute: AttributeRef): Test {
  const { keys } = attribute;
  const { read } = attribute.spec;
  return (request, action) => {
    const value = read(request, keys, action);
    if (value === true) return TRUE;
    return value === false ? FALSE : UNKNOWN;
  };
}
