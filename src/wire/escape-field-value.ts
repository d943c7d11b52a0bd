// Values that came from a certificate are outside input: a CRLF in a SAN must not become a line of a head.

/** Visible ASCII without `"`, `;`, `,`, `=` and `%` as it is; every other UTF-8 octet as `%XX`. */
export function escapeFieldValue(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]|[";,=%]/gu, (character) => {
    let out = '';
    for (const octet of Buffer.from(character, 'utf8')) out += `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
    return out;
  });
}
