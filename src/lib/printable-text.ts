// Text from outside on its way to a terminal or a log line: nothing in it may break the line, move the cursor or turn the
// reading order (log forging, "Trojan Source").

const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The text with every control and direction character replaced by `\ufffd`. */
export function printable(text: string): string {
  return text.replaceAll(unprintable, '\ufffd');
}
