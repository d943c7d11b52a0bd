// What can be told of a record's line without parsing it: the native encoding begins each line with the same members in
// the same order. Lines that do not are none of ours.

const schema = '{"schema":"postern.decision/1","type":"';

/** `decision`, `seal`, …; null when the line does not begin like a record. */
export function lineKind(line: string): string | null {
  if (!line.startsWith(schema)) return null;
  const end = line.indexOf('"', schema.length);
  return end < 0 ? null : line.slice(schema.length, end);
}

/** The time of a record as it stands in its line; null when the line does not begin like a record. */
export function lineTime(line: string): string | null {
  const kind = lineKind(line);
  if (kind === null) return null;
  const start = schema.length + kind.length + '","time":"'.length;
  return line.startsWith('","time":"', schema.length + kind.length) ? line.slice(start, start + 27) : null;
}

/** The number of a record in its stream; null when the line does not begin like a record. */
export function lineSeq(line: string): number | null {
  const kind = lineKind(line);
  if (kind === null) return null;
  // The time has a fixed length, so the number has a fixed place.
  const at = schema.length + kind.length + '","time":"'.length + 27;
  if (!line.startsWith('","seq":', at)) return null;
  const start = at + '","seq":'.length;
  const end = line.indexOf(',', start);
  const seq = Number(line.slice(start, end));
  return end > start && Number.isSafeInteger(seq) && seq > 0 ? seq : null;
}

/** Hash and stated place of a seal's line; null when it is none. */
export interface SealLine {
  readonly sha256: string;
  /** Characters of the line up to and including `"sha256":"`: what the hash covers of it. */
  readonly headLength: number;
}

const sealEnd = /"sha256":"([0-9a-f]{64})"\}$/;

/** Takes a seal's line apart. */
export function parseSealLine(line: string): SealLine | null {
  if (lineKind(line) !== 'seal') return null;
  const match = sealEnd.exec(line);
  return match === null ? null : { sha256: match[1]!, headLength: match.index + '"sha256":"'.length };
}

/** The stream that a record names; null when the line does not begin like a record. */
export function lineStream(line: string): string | null {
  const at = line.indexOf(',"stream_id":"');
  if (at < 0 || at > 160) return null;
  const start = at + ',"stream_id":"'.length;
  return line.slice(start, line.indexOf('"', start));
}
