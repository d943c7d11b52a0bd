// What `postern audit verify` prints for people.

import type { JournalVerdict, StreamVerdict } from '../audit/verify.ts';
import type { VerifyFinding } from '../audit/verify-stream.ts';
import type { Paint } from '../lib/paint.ts';

const stateTexts = {
  closed: 'closed',
  running: 'being written',
  abandoned: 'not closed; the next start of Postern closes it',
} as const;

/** The verdict, a line for each stream and finding. */
export function formatVerdict(verdict: JournalVerdict, paint: Paint): string {
  const lines = verdict.streams.flatMap((stream) => formatStream(stream, paint));
  lines.push(...verdict.findings.map((finding) => formatFinding(finding, paint)));
  const records = verdict.streams.reduce((sum, stream) => sum + stream.records, 0);
  const summary = `${records} records in ${verdict.streams.length} streams`;
  lines.push(verdict.intact ? paint.green(`intact: ${summary}`) : paint.red(`BROKEN: ${summary}`));
  return `${lines.join('\n')}\n`;
}

function formatStream(stream: StreamVerdict, paint: Paint): readonly string[] {
  const range = stream.records === 0 ? 'no records' : `records ${stream.firstSeq} to ${stream.lastSeq}`;
  const unsealed = stream.unsealed === 0 ? '' : `, the last ${stream.unsealed} not sealed yet`;
  const torn = stream.tornBytes === 0 ? '' : `, ${stream.tornBytes} bytes of a line that is not whole`;
  const gaps = stream.gapCount === 0 ? '' : paint.yellow(`, ${stream.gapCount} missing as gap records say`);
  const mark = stream.intact ? paint.green('ok    ') : paint.red('BROKEN');
  const head = `${mark} ${stream.streamId}: ${range}${unsealed}${torn}${gaps}; ${stateTexts[stream.state]}`;
  const seal =
    stream.lastSeal === null ? [] : [paint.dim(`       last seal ${stream.lastSeal.seq} ${stream.lastSeal.sha256}`)];
  return [
    head,
    ...seal,
    ...signedText(stream, paint),
    ...stream.findings.map((finding) => formatFinding(finding, paint)),
  ];
}

function signedText({ signed }: StreamVerdict, paint: Paint): readonly string[] {
  if (signed === null || signed.signedUpTo === null) return [];
  return [paint.dim(`       signed up to ${signed.signedUpTo} by ${signed.signers.join(', ')}`)];
}

function formatFinding(finding: VerifyFinding, paint: Paint): string {
  return `       ${paint.red(finding.code)} ${finding.file}:${finding.offset} ${finding.message}`;
}
