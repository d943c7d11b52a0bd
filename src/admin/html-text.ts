// HTML in which every value is escaped unless it was made here: forgetting is not possible.

/** Text that is HTML already. Only the `html` tag makes one. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }

  /** Joins constant parts with escaped values. */
  static of(parts: TemplateStringsArray, values: readonly HtmlValue[]): Html {
    let text = parts[0]!;
    for (const [at, value] of values.entries()) text += htmlOf(value) + parts[at + 1]!;
    return new Html(text);
  }
}

/** What may stand in a template. */
export type HtmlValue = string | number | null | Html | readonly Html[];

/** A template whose values are escaped, for element content and for attributes in double quotes. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return Html.of(parts, values);
}

function htmlOf(value: HtmlValue): string {
  if (value === null) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.join('');
  return String(value).replace(/[&<>"'`]/g, (char) => `&#${char.charCodeAt(0)};`);
}
