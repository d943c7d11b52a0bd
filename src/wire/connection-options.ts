// What the Connection field says (RFC 9110 §7.6.1), and the fields that end at this hop because it names them.

import { fieldFate } from './field-fate.ts';
import { withoutBlanks } from './field-lines.ts';
import { FieldList } from './field-list.ts';
import { isTokenText } from './octets.ts';
import { shownBytes, WireFault } from './wire-fault.ts';

/** Options beside this many serve only to make the look-ups costly. */
const optionCount = 32;

/** Where the options of one head gather. */
export interface ConnectionOptions {
  closes: boolean;
  keepsAlive: boolean;
  upgrades: boolean;
  nominated: string[] | null;
}

/** Reads one Connection field line; a fault in place of an exception. */
export function readConnection(options: ConnectionOptions, value: string): WireFault | null {
  if (readOption(options, value.toLowerCase())) return null;
  const parts = value.split(',', optionCount + 1);
  if (parts.length > optionCount) return bad('more than 32 Connection options');
  for (const part of parts) {
    const option = withoutBlanks(part).toLowerCase();
    if (option === '' || readOption(options, option)) continue;
    if (!isTokenText(option)) return bad(`Connection option that is not a token: ${shownBytes(option)}`);
    options.nominated ??= [];
    if (options.nominated.push(option) > optionCount) return bad('more than 32 Connection options');
  }
  return null;
}

/** Options that are no names of fields to be dropped; all of them end here anyway. */
function readOption(options: ConnectionOptions, option: string): boolean {
  if (option === 'keep-alive') options.keepsAlive = true;
  else if (option === 'close') options.closes = true;
  else if (option === 'upgrade') options.upgrades = true;
  else return false;
  return true;
}

/**
 * The fields that go on. What is nominated ends here before anything is decided, so that policy and workload see the same
 * fields. Never Host, framing, identity or correlation fields: those are written by us, whoever nominates them.
 */
export function withoutNominated(fields: FieldList, nominated: readonly string[]): FieldList {
  const kept = new FieldList();
  for (let at = 0; at < fields.length; at++) {
    const key = fields.keys[at]!;
    if (fieldFate(key) === 'keep' && nominated.includes(key)) continue;
    kept.push(fields.names[at]!, key, fields.values[at]!);
  }
  return kept;
}

function bad(what: string): WireFault {
  return new WireFault('ERR_WIRE_FIELD_INVALID', what);
}
