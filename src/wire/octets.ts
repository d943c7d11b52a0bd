// Classes of octets (RFC 9110 §5.6.2, §5.5; RFC 3986 §3.3) as one table: a look-up a byte is the cheapest strict check.

/** Bit of the octets of a token. */
export const isToken = 1;
/** Bit of the octets that a field value may hold: visible, obs-text, space and tab. */
export const isFieldValue = 2;
const isTarget = 4;
const isPath = 8;
const isUnreserved = 16;
const isHex = 32;
const isHostName = 64;
const isMethod = 128;

/** The classes of each octet, as bits. */
export const octetClasses: Uint8Array = buildTable();

function buildTable(): Uint8Array {
  const classes = new Uint8Array(256);
  const mark = (characters: string, bit: number): void => {
    for (const character of characters) classes[character.charCodeAt(0)]! |= bit;
  };
  const alphanumeric = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  mark(`${alphanumeric}!#$%&'*+-.^_\`|~`, isToken);
  mark(`${alphanumeric}-._~`, isUnreserved);
  mark(`${alphanumeric}-._~!$&'()*+,;=:@/%`, isPath);
  mark('0123456789ABCDEFabcdef', isHex);
  mark(`${alphanumeric}-._`, isHostName);
  mark('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_', isMethod);
  for (let octet = 0x21; octet <= 0x7e; octet++) classes[octet]! |= isFieldValue | isTarget;
  for (let octet = 0x80; octet <= 0xff; octet++) classes[octet]! |= isFieldValue;
  classes[0x20]! |= isFieldValue;
  classes[0x09]! |= isFieldValue;
  classes[0x23]! &= ~isTarget; // a fragment is never sent (RFC 9112 §3.2)
  return classes;
}

function allOf(text: string, bit: number): boolean {
  for (let at = 0; at < text.length; at++) {
    if ((octetClasses[text.charCodeAt(at)]! & bit) === 0) return false;
  }
  return true;
}

/** `token`, at least one octet. */
export function isTokenText(text: string): boolean {
  return text !== '' && allOf(text, isToken);
}

/** A method as Postern serves it: upper case, since some workloads take `get` for GET while a policy does not. */
export function isMethodText(text: string): boolean {
  return text !== '' && allOf(text, isMethod);
}

/** Letters, digits, `-`, `.`, `_`: what DNS and service names hold. */
export function isHostNameText(text: string): boolean {
  return text !== '' && allOf(text, isHostName);
}

/** Octets a field value may hold. */
export function isFieldValueText(text: string): boolean {
  return allOf(text, isFieldValue);
}

/** Visible ASCII without `#`. */
export function isTargetText(text: string): boolean {
  return allOf(text, isTarget);
}

/** Octets of a path by RFC 3986, `%` included. */
export function isPathOctet(octet: number): boolean {
  return octet < 256 && (octetClasses[octet]! & isPath) !== 0;
}

export function isUnreservedOctet(octet: number): boolean {
  return octet < 256 && (octetClasses[octet]! & isUnreserved) !== 0;
}

export function isHexOctet(octet: number): boolean {
  return octet < 256 && (octetClasses[octet]! & isHex) !== 0;
}
