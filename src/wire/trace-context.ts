// W3C Trace Context, `traceparent` (§3.2): strict; what is not valid is as if it were not there.

/** Lower-case hex throughout. */
export interface TraceParent {
  readonly traceId: string;
  readonly parentId: string;
  readonly flags: string;
}

const known = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Parses a value of version 00, or of a later one as far as version 00 reads it; null for everything else. */
export function parseTraceparent(value: string): TraceParent | null {
  const parts = known.exec(value);
  if (parts === null) return null;
  const [, version, traceId, parentId, flags, more] = parts;
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId!) || /^0+$/.test(parentId!)) return null;
  return { traceId: traceId!, parentId: parentId!, flags: flags! };
}
