// A look at the nesting of a YAML text before it is parsed: the parser recurses, so a hostile file of brackets would end in
// a stack overflow instead of a finding.

/** Deepest nesting of a policy file. */
export const maxDepth = 32;

/** Where the text nests deeper than `maxDepth`, null if it does not. May count too much, in quoted text, but never too little. */
export function nestingDepth(text: string): { readonly line: number; readonly column: number } | null {
  let line = 1;
  for (const content of text.split('\n')) {
    const column = tooDeepAt(content);
    if (column !== null) return { line, column };
    line++;
  }
  return flowTooDeep(text);
}

// Block nesting: every level of a mapping is one more column of indent; `- - - x` and `? ? x` nest within a line.
function tooDeepAt(content: string): number | null {
  let levels = 0;
  for (let at = 0; at < content.length; at++) {
    const letter = content[at];
    if (letter === ' ') continue;
    const indicator =
      (letter === '-' || letter === '?' || letter === ':') && /^[ \t\r]?$/.test(content.slice(at + 1, at + 2));
    if (!indicator) return null;
    levels++;
    if (levels > maxDepth) return at + 1;
  }
  return null;
}

function flowTooDeep(text: string): { line: number; column: number } | null {
  let depth = 0;
  let line = 1;
  let lineStart = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text.charCodeAt(at);
    if (letter === 0x0a) {
      line++;
      lineStart = at + 1;
    } else if (letter === 0x5b || letter === 0x7b) depth++;
    else if ((letter === 0x5d || letter === 0x7d) && depth > 0) depth--;
    if (depth > maxDepth) return { line, column: at - lineStart + 1 };
  }
  return null;
}
