// Cuts a file of many policies into one text for each. YAML parsers read a document in one go; a bundle of 10,000 rules
// would hold up the loop for seconds.

/** A part of a file. */
export interface PolicyText {
  readonly text: string;
  /** Lines of the file before it. */
  readonly linesBefore: number;
}

/** Marks and directives of a stream of documents: what they mean depends on what stands before them (YAML 1.2 §9). */
const documentMark = /^(?:---|\.\.\.|%)/m;

/**
 * The parts of a file, in order; together they are the file. A block mapping at the top is cut before each line that starts
 * with `policy`: whatever hangs on the key before is indented (YAML 1.2 §8.2.2), so it has ended there. Anything else at
 * the top is one part.
 */
export function policyTexts(text: string): readonly PolicyText[] {
  if (!/^(?:[ \t]*(?:#[^\n]*)?\r?\n)*policy[ \t]/.test(text) || documentMark.test(text))
    return [{ text, linesBefore: 0 }];
  const parts: PolicyText[] = [];
  let linesBefore = 0;
  for (const part of text.split(/^(?=policy[ \t])/m)) {
    parts.push({ text: part, linesBefore });
    linesBefore += countLines(part);
  }
  return parts;
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
