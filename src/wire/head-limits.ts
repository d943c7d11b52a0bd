// Bounds of what the codec keeps of one message; above them the input is refused, never cut.

/** Bytes and counts. */
export interface HeadLimits {
  /** Start line and fields together. Above: 431. */
  readonly headBytes: number;
  /** Field lines. Above: 431. */
  readonly fieldCount: number;
  /** Request target. Above: 414. */
  readonly targetBytes: number;
  /** Trailer section. Above: 431. */
  readonly trailerBytes: number;
  /** Interim (1xx) responses before a final one. */
  readonly interimResponses: number;
}

export const headLimitsDefaults: HeadLimits = Object.freeze({
  headBytes: 64 * 1024,
  fieldCount: 100,
  targetBytes: 16 * 1024,
  trailerBytes: 8 * 1024,
  interimResponses: 16,
});
