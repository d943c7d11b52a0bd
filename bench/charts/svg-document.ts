// What every chart has: a title, lines of caption, and colours that can be read on a light and on a dark page.

/** The frame of a chart; sizes in pixels. */
export interface ChartFrame {
  readonly title: string;
  /** Shown below the drawing: machine, versions, how it was measured. */
  readonly caption: readonly string[];
  readonly width: number;
  /** Height of the drawing between title and caption. */
  readonly bodyHeight: number;
}

export const titleHeight = 44;
const captionLine = 16;

/** Wraps a drawing, whose own origin is the top left corner of the body. */
export function svgDocument(frame: ChartFrame, body: string): string {
  const lines = frame.caption.flatMap(wrapped);
  const height = titleHeight + frame.bodyHeight + 14 + lines.length * captionLine;
  const caption = lines.map(
    (line, at) =>
      `<text class="quiet" x="16" y="${titleHeight + frame.bodyHeight + 14 + at * captionLine}">${escapeXml(line)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${frame.width} ${height}" width="${frame.width}" height="${height}" role="img" aria-label="${escapeXml(frame.title)}">`,
    `<style>${style}</style>`,
    `<rect class="page" width="${frame.width}" height="${height}" rx="6"/>`,
    `<text class="title" x="16" y="28">${escapeXml(frame.title)}</text>`,
    `<g transform="translate(0 ${titleHeight})">`,
    body,
    '</g>',
    ...caption,
    '</svg>',
    '',
  ].join('\n');
}

/** Characters of a caption that fit beside each other, in the widest fonts that stand in for `system-ui`. */
const captionLength = 100;

/** A line of caption as lines that fit, broken at spaces. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= captionLength)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const style =
  'text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-size:15px;font-weight:600}.quiet{fill:#57606a;font-size:11px}' +
  '.page{fill:#fff}.grid{stroke:#d0d7de;stroke-width:1}.range{stroke:#24292f;stroke-width:1.5}.line{fill:none;stroke-width:2}' +
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.page{fill:#0d1117}.grid{stroke:#3d444d}.range{stroke:#e6edf3}}';

const colours: ReadonlyMap<string, string> = new Map([
  ['postern', '#2563eb'],
  ['envoy', '#c2410c'],
  ['haproxy', '#15803d'],
  ['nginx', '#7c3aed'],
  ['node-https', '#a16207'],
  ['tcp-relay', '#64748b'],
  ['direct', '#94a3b8'],
]);

/** The colour of a proxy, the same in every chart. */
export function colourOf(owner: string): string {
  return colours.get(owner) ?? '#db2777';
}

/** Text as content or attribute of XML. */
export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Three digits that matter, for people. */
export function shortFigure(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
