// Globs matched in the plainest way, straight from the pattern: what src/lib/glob.ts is held against.

import type { Glob } from '../lib/glob.ts';

/** True if the whole value matches. */
export function referenceGlobMatch(glob: Glob, given: string): boolean {
  const pattern = glob.foldCase ? glob.pattern.toLowerCase() : glob.pattern;
  const value = glob.foldCase ? given.toLowerCase() : given;
  if (glob.separator === null) return matchesSegment(pattern, value);
  return matchesSegments(pattern.split(glob.separator), value.split(glob.separator));
}

function matchesSegments(patterns: readonly string[], values: readonly string[]): boolean {
  const [pattern, ...restPatterns] = patterns;
  if (pattern === undefined) return values.length === 0;
  if (pattern !== '**') {
    return values.length > 0 && matchesSegment(pattern, values[0]!) && matchesSegments(restPatterns, values.slice(1));
  }
  // One or more whole segments, and not just one that is empty.
  for (let taken = 1; taken <= values.length; taken++) {
    const isEmpty = taken === 1 && values[0] === '';
    if (!isEmpty && matchesSegments(restPatterns, values.slice(taken))) return true;
  }
  return false;
}

function matchesSegment(pattern: string, value: string): boolean {
  if (pattern === '*') return value !== '';
  return matchesLetters(pattern, value);
}

function matchesLetters(pattern: string, value: string): boolean {
  if (pattern === '') return value === '';
  if (pattern[0] === '*') {
    return matchesLetters(pattern.slice(1), value) || (value !== '' && matchesLetters(pattern, value.slice(1)));
  }
  const escaped = pattern[0] === '\\' && (pattern[1] === '*' || pattern[1] === '\\');
  const letter = escaped ? pattern[1] : pattern[0];
  return value[0] === letter && matchesLetters(pattern.slice(escaped ? 2 : 1), value.slice(1));
}
