// Name constraints of a CA (RFC 5280 §4.2.1.10). URI and DNS constraints are applied; one of another kind refuses every
// certificate below that has a name of that kind, since a constraint may not be ignored.

import { type DerElement, derChildren, derTag, malformed } from './der.ts';
import { type GeneralName, readGeneralName } from './general-name.ts';

/** The subtrees as they stand. */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** Reads the value of the extension. */
export function readNameConstraints(value: DerElement): NameConstraints {
  const fields = derChildren(value, derTag.sequence);
  if (fields.length === 0 || fields.some((field) => field.tag !== 0xa0 && field.tag !== 0xa1)) {
    throw malformed('the name constraints are empty or unknown');
  }
  const bases = (tag: number) =>
    fields.filter((field) => field.tag === tag).flatMap((field) => derChildren(field).map(readBase));
  return Object.freeze({ permitted: bases(0xa0), excluded: bases(0xa1) });
}

// RFC 5280 §4.2.1.10: minimum is always zero and maximum absent, so DER has the base alone.
function readBase(subtree: DerElement): GeneralName {
  const [base, ...rest] = derChildren(subtree, derTag.sequence);
  if (base === undefined || rest.length > 0) throw malformed('a name constraint has a minimum or maximum');
  return readGeneralName(base);
}

/** The first of `names` that the constraints do not allow, or null. */
export function constrainedName(constraints: NameConstraints, names: readonly GeneralName[]): GeneralName | null {
  return names.find((name) => !isAllowed(constraints, name)) ?? null;
}

function isAllowed(constraints: NameConstraints, name: GeneralName): boolean {
  const sameKind = (base: GeneralName) => base.kind === name.kind;
  const permitted = constraints.permitted.filter(sameKind);
  const excluded = constraints.excluded.filter(sameKind);
  if (permitted.length === 0 && excluded.length === 0) return true;
  const host = name.kind === 'uri' ? uriHost(name.text) : name.kind === 'dns' ? name.text.toLowerCase() : null;
  if (host === null) return false;
  const matches = (base: GeneralName) =>
    name.kind === 'uri' ? isWithinUri(host, base.text) : isWithinDns(host, base.text);
  return !excluded.some(matches) && (permitted.length === 0 || permitted.some(matches));
}

// Only a plain authority is understood; userinfo, port or an IP literal make the name unmatched, hence refused.
function uriHost(uri: string): string | null {
  return /^[a-z][a-z0-9+.-]*:\/\/([a-z0-9._-]+)(?:[/?#]|$)/i.exec(uri)?.[1]?.toLowerCase() ?? null;
}

// A leading dot means subdomains only; without it, that very host.
function isWithinUri(host: string, base: string): boolean {
  const wanted = base.toLowerCase();
  return wanted.startsWith('.') ? host.endsWith(wanted) && host.length > wanted.length : host === wanted;
}

// A DNS constraint covers its name and every name below it; the empty one covers all.
function isWithinDns(host: string, base: string): boolean {
  const wanted = base.toLowerCase().replace(/^\./, '');
  return wanted === '' || host === wanted || host.endsWith(`.${wanted}`);
}
