// The revocation list in force (config: policy.revocations), read from its file and watched.

import { RevocationList } from './revocation-list.ts';
import { maxRevocationBytes, parseRevocations } from './revocations-file.ts';
import { type FileForm, readForm, type WatchedFile } from './watched-file.ts';

/** The list in force. */
export type Revocations = WatchedFile<RevocationList>;

/** How `revocations.yaml` is read. */
export const revocationsForm: FileForm<RevocationList> = Object.freeze({
  what: 'revocations',
  code: 'ERR_REVOCATIONS_INVALID',
  maxBytes: maxRevocationBytes,
  mendTooLarge: 'take out rows whose time is over, or revoke by pattern',
  none: RevocationList.empty,
  parse: (text: string, file: string) => new RevocationList(parseRevocations(text, file)),
});

/** Reads a list once; null: an empty one. @throws PosternError ERR_REVOCATIONS_INVALID, ERR_IDENTITY_FILE */
export function readRevocations(file: string | null): Promise<RevocationList> {
  return readForm(revocationsForm, file);
}
