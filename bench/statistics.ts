// Medians and paired ratios. Samples of two peers are compared pair by pair, as each pair was taken in the
// same seconds of the same machine; the median over pairs then survives a noisy neighbour.

/** The middle of `values`, the mean of the two middle ones for an even count; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Median of `of[i] / to[i]`; NaN where the two have no pair. */
export function pairedRatio(of: readonly number[], to: readonly number[]): number {
  const pairs = Math.min(of.length, to.length);
  return median(Array.from({ length: pairs }, (_, at) => of[at]! / to[at]!));
}

/** Half the range between the lowest and the highest value, as a share of the median: how far to trust a figure. */
export function relativeSpread(values: readonly number[]): number {
  if (values.length < 2) return 0;
  return (Math.max(...values) - Math.min(...values)) / 2 / median(values);
}
