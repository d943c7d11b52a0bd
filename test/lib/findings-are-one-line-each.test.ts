// How findings are printed and ordered, whatever stands in them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareFindings, type Finding, formatFinding } from '../../src/lib/finding.ts';

function finding(parts: Partial<Finding>): Finding {
  return { code: 'L-KEY', severity: 'error', message: 'wrong', mend: 'right it', position: undefined, ...parts };
}

const position = { file: 'a.yaml', line: 3, column: 7 };

test('place, severity, message, code and mend stand on one line', () => {
  assert.equal(formatFinding(finding({ position })), 'a.yaml:3:7: error: wrong [L-KEY]; right it');
});

test('what is absent leaves no trace', () => {
  assert.equal(formatFinding(finding({ mend: '', severity: 'warning' })), 'warning: wrong [L-KEY]');
});

test('control and direction characters cannot forge a line or hide text', () => {
  const line = formatFinding(finding({ message: 'a\nb\u001b[2Jc\u202ed\u2028e\u0085f' }));
  assert.equal(line, 'error: a\ufffdb\ufffd[2Jc\ufffdd\ufffde\ufffdf [L-KEY]; right it');
});

test('findings are ordered by file, line and column, those without a place first', () => {
  const at = (file: string, line: number, column: number) => finding({ position: { file, line, column } });
  const sorted = [at('b', 1, 1), at('a', 10, 1), at('a', 2, 9), at('a', 2, 3), finding({})].sort(compareFindings);
  assert.deepEqual(
    sorted.map((each) => each.position && `${each.position.file}:${each.position.line}:${each.position.column}`),
    [undefined, 'a:2:3', 'a:2:9', 'a:10:1', 'b:1:1'],
  );
});
