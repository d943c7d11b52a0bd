// Adds a row to `revocations.yaml`, and keeps what people wrote there: order, comments, spelling.

import { isMap, isSeq, parseDocument } from 'yaml';
import { PosternError } from '../errors.ts';
import type { RevokedBy } from './revocation-list.ts';
import { parseRevocations } from './revocations-file.ts';

/** A row as it is written. */
export interface NewRevocation {
  readonly by: RevokedBy;
  readonly value: string;
  readonly trustDomain: string | null;
  readonly reason: string;
  /** RFC 3339. */
  readonly until: string | null;
}

/**
 * The text of the file with the row at its end; `text` null: there is no file yet. `file` stands in messages.
 * @throws PosternError ERR_REVOCATIONS_INVALID where the file, or the row, is none
 */
export function withRevocation(text: string | null, row: NewRevocation, file: string): string {
  const before = text ?? '# Credentials that hold no more. See docs/identity.md, "Revoke".\nrevocations: []\n';
  const known = parseRevocations(before, file).length;
  const document = parseDocument(before);
  const list = isMap(document.contents) ? document.contents.get('revocations', true) : null;
  if (!isSeq(list)) throw new PosternError('ERR_REVOCATIONS_INVALID', `\`${file}\` has no list \`revocations\``);
  list.flow = false;
  list.add(document.createNode(membersOf(row)));
  const after = document.toString({ lineWidth: 0 });
  // What was written is read back before it counts.
  if (parseRevocations(after, file).length === known + 1) return after;
  throw new PosternError('ERR_INTERNAL', 'the list of revocations did not take the row');
}

function membersOf(row: NewRevocation): Record<string, string> {
  return {
    [row.by]: row.value,
    ...(row.trustDomain === null ? {} : { trust_domain: row.trustDomain }),
    reason: row.reason,
    ...(row.until === null ? {} : { until: row.until }),
  };
}
