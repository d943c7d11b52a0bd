// A generated part of a hand-written page, between two comments that name it. What stands around it is never touched.

/** Puts `body` into the section called `name`; null where the page has no such section. */
export function withSection(page: string, name: string, body: string): string | null {
  const [begin, end] = [beginMark(name), endMark(name)];
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) return null;
  return `${page.slice(0, from + begin.length)}\n\n${body.trim()}\n\n${page.slice(to)}`;
}

/** A page that is nothing but a title and one section, for tables that nobody has written around yet. */
export function newPage(title: string, name: string): string {
  return `# ${title}\n\n${beginMark(name)}\n${endMark(name)}\n`;
}

function beginMark(name: string): string {
  return `<!-- generated: ${name}; npm run docs -->`;
}

function endMark(name: string): string {
  return `<!-- end generated: ${name} -->`;
}

/** Text for a cell of a table. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}
