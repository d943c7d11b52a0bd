// YAML 1.2 core, as policies use it: a small tree with positions, and none of the features that have surprised people
// (anchors, aliases, tags, merge keys, duplicate keys, other schemas). Policy.md 1.1.

import { maxDepth, nestingDepth } from './yaml-depth.ts';
import { readFullYaml } from './yaml-full.ts';
import { readPlainYaml } from './yaml-plain.ts';
import type { YamlReading } from './yaml-tree.ts';

/** Largest file, bytes. */
export const maxFileBytes = 4 * 1024 * 1024;

/**
 * Reads all documents of a stream. Never throws: what is wrong with the text is in `faults`. Where the text is a part of
 * its file, `linesBefore` counts the lines before it.
 */
export function readYaml(text: string, file: string, linesBefore = 0): YamlReading {
  // What is plain nests but a few levels, and nearly every text is.
  const plain = readPlainYaml(text, file, linesBefore);
  if (plain !== null) return { roots: [plain], faults: [] };
  const deep = nestingDepth(text);
  if (deep === null) return readFullYaml(text, file, linesBefore);
  const position = { file, line: deep.line + linesBefore, column: deep.column };
  return { roots: [], faults: [{ message: `nested deeper than ${maxDepth} levels`, mend: null, position }] };
}
