// The configuration as it may be shown. A secret is what came out of a `${VAR}`, a value of a `headers` table, a value
// under a name that says so, and the password of a URL.

const masked = '[masked]';
const secretName =
  /^(?:.*(?:password|passwd|passphrase|secret|token|api[-_]?key)|authorization|proxy-authorization|cookie)$/i;
const urlPassword = /^([a-z][a-z0-9+.-]*:\/\/[^/?#@]*:)[^/?#@]*@/i;

/** A copy of `value` without secrets; `secrets` are values that are masked wherever they stand. */
export function maskSecrets(value: unknown, secrets: ReadonlySet<string>): unknown {
  return mask(value, { table: secrets, secrets: [...secrets].filter((secret) => secret !== ''), isSecret: false });
}

interface MaskContext {
  /** Left out where the configuration itself holds it. */
  readonly table: ReadonlySet<string>;
  readonly secrets: readonly string[];
  /** Every text below is one. */
  readonly isSecret: boolean;
}

function mask(value: unknown, context: MaskContext): unknown {
  if (typeof value === 'string') return maskText(value, context);
  // JSON knows no Infinity; the configuration says `unlimited`.
  if (value === Number.POSITIVE_INFINITY) return 'unlimited';
  if (Array.isArray(value)) return value.map((element) => mask(element, context));
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Map) return maskEntries(value.entries(), context);
  if (value instanceof Set) return [...value].map((element) => mask(element, context));
  if (!isPlain(value)) return String(value);
  return maskEntries(Object.entries(value), context);
}

function maskEntries(entries: Iterable<[unknown, unknown]>, context: MaskContext): Record<string, unknown> {
  const shown: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of entries) {
    if (value === context.table) continue;
    const name = String(key);
    const isSecret = context.isSecret || isSecretMember(name, value);
    shown[name] = mask(value, { ...context, isSecret });
  }
  return shown;
}

/** `headers: [names]` is no secret, `headers: {name: value}` is. */
function isSecretMember(name: string, value: unknown): boolean {
  if (name === 'headers') return typeof value === 'object' && !Array.isArray(value);
  return typeof value === 'string' && secretName.test(name);
}

function maskText(text: string, { secrets, isSecret }: MaskContext): string {
  if (isSecret) return masked;
  let shown = text.replace(urlPassword, `$1${masked}@`);
  for (const secret of secrets) shown = shown.replaceAll(secret, masked);
  return shown;
}

/** A value of a class is shown as it writes itself (a SPIFFE ID, a pattern), never by its fields. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
