// Colours of a terminal, or texts as they are.

/** Colours of the terminal; each returns its text unchanged where colour is off. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** Colours, or texts as they are. */
export function createPaint(coloured: boolean): Paint {
  const painter = (name: keyof typeof codes) => {
    const [on, off] = codes[name];
    return coloured ? (text: string) => `\u001b[${on}m${text}\u001b[${off}m` : (text: string) => text;
  };
  return Object.freeze({
    bold: painter('bold'),
    dim: painter('dim'),
    red: painter('red'),
    green: painter('green'),
    yellow: painter('yellow'),
    cyan: painter('cyan'),
  });
}
