// JSON lines from a stream, each read by itself: a line that cannot be used never ends the stream. Cut at LF alone, since
// JSON text may hold every other line separator.

import { PosternError } from '../errors.ts';

/** Longest line that is read, bytes. */
export const longestLineBytes = 1024 * 1024;

/** A line that is not empty: its JSON value, or why it has none. Lines count from 1. */
export type JsonLine =
  | { readonly line: number; readonly value: unknown }
  | { readonly line: number; readonly error: PosternError };

/** Every line of a stream of bytes. Longer lines are passed over, not kept in memory. */
export async function* jsonLines(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<JsonLine, void, void> {
  const pending = new PendingLine();
  for await (const piece of stream) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
      pending.add(bytes.subarray(from, end));
      from = end + 1;
      const line = pending.take();
      if (line !== null) yield line;
    }
    pending.add(bytes.subarray(from));
  }
  const last = pending.take();
  if (last !== null) yield last;
}

class PendingLine {
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #line = 0;

  add(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > longestLineBytes) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  /** Null for a line without text. */
  take(): JsonLine | null {
    const [pieces, bytes, line] = [this.#pieces, this.#bytes, ++this.#line];
    this.#pieces = [];
    this.#bytes = 0;
    if (bytes > longestLineBytes) {
      return { line, error: inputError(`a line has more than ${longestLineBytes / 2 ** 20} MiB`) };
    }
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
      return text.trim() === '' ? null : { line, value: JSON.parse(text) as unknown };
    } catch (cause) {
      const isJson = cause instanceof SyntaxError;
      return { line, error: inputError(isJson ? 'the line is not JSON' : 'the line is not UTF-8 text', cause) };
    }
  }
}

function inputError(message: string, cause?: unknown): PosternError {
  return new PosternError('ERR_CLI_INPUT', message, { cause, mend: 'write one JSON value on each line' });
}
