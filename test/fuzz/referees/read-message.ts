// What a referee makes of a message: the form in which readers of the same octets are compared.

/** A request or a response as one reader sees it. Text of one character an octet. */
export interface ReadMessage {
  /** `METHOD target`, or the status. */
  readonly start: string;
  /** `name: value`, in order and spelling; the value without blanks around it. */
  readonly fields: readonly string[];
  readonly body: string;
  /** As `fields`. */
  readonly trailers: readonly string[];
}

/** All messages that a reader found complete, and why it stopped where it refused the rest. */
export interface Reading {
  readonly messages: readonly ReadMessage[];
  readonly refusal: string | null;
}

/** Lines of a list in which names and values alternate. */
export function linesOf(pairs: readonly string[]): string[] {
  return Array.from({ length: pairs.length >> 1 }, (_, at) => `${pairs[2 * at]}: ${pairs[2 * at + 1]}`);
}
