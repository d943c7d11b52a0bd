// How input from outside is shown in a message: on one line, in backticks, and never longer than a reader wants. A SAN,
// a subject or a file name may hold anything.

const longestShown = 200;

/** The text in backticks; control characters, quotes of ours and what is not ASCII are escaped, and length is bounded. */
export function shown(text: string): string {
  const cut = text.length > longestShown ? `${text.slice(0, longestShown)}...` : text;
  return `\`${escapeText(cut)}\``;
}

/** The text with everything outside printable ASCII, and backslash and backtick, written as an escape. */
export function escapeText(text: string): string {
  return text.replaceAll(/[^\x20-\x5b\x5d-\x5f\x61-\x7e]/g, escapeUnit);
}

function escapeUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
