// `outbound[].ejection`: when an endpoint that fails is left out for a while.

import * as z from 'zod';
import { formatDuration } from '../lib/duration.ts';
import { ejectionDefaults as defaults, type EjectionOptions } from '../proxy/endpoints/endpoint-options.ts';
import { badValue, count, duration, longestTimerMs, refuse } from './fields.ts';

const time = (defaultMs: number) => duration({ minMs: 100, maxMs: longestTimerMs }).prefault(formatDuration(defaultMs));

/** As written and as parsed. */
export const ejectionSection = z
  .strictObject({
    failures: count(1, 1_000)
      .prefault(defaults.failures)
      .describe(
        'Failures in a row: no connection, no handshake, another identity, an answer that broke off or never came.',
      ),
    gateway_errors: count(0, 1_000)
      .prefault(defaults.gatewayErrors)
      .describe('Answers 502, 503 and 504 in a row. `0`: they do not count.'),
    first: time(defaults.firstMs).describe('Longest first ejection. Each later one is up to twice as long.'),
    most: time(defaults.mostMs).describe('Longest ejection of all.'),
    max_percent: count(0, 100)
      .prefault(defaults.maxPercent)
      .describe('Endpoints that may be out at once, of a hundred, rounded down. `0`: none ever is.'),
    slow_start: time(defaults.slowStartMs).describe(
      'Time in which the share of one that came back grows to that of the others.',
    ),
  })
  .superRefine(({ first, most }, context) => {
    if (first > most)
      refuse(context, badValue('`first` is longer than `most`', 'make `most` the longer one'), ['most']);
  })
  .transform(
    (ejection): EjectionOptions => ({
      failures: ejection.failures,
      gatewayErrors: ejection.gateway_errors === 0 ? Number.POSITIVE_INFINITY : ejection.gateway_errors,
      firstMs: ejection.first,
      mostMs: ejection.most,
      maxPercent: ejection.max_percent,
      slowStartMs: ejection.slow_start,
    }),
  )
  .describe('An endpoint that fails in a row is left out for a while, then comes back slowly.');
