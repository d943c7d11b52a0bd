// `inbound[].limits`. The defaults are those of the proxy, written out here in the form that operators read.

import * as z from 'zod';
import { formatDuration } from '../lib/duration.ts';
import { formatSize } from '../lib/size.ts';
import {
  inboundLimitsDefaults as defaults,
  type InboundLimits,
  tcpLimitsDefaults as tcpDefaults,
} from '../proxy/inbound-options.ts';
import { count, duration, longestTimerMs, rate, size } from './fields.ts';

const timer = (defaultMs: number, minMs: number, unlimited = false) =>
  duration({ minMs, maxMs: longestTimerMs, unlimited }).prefault(formatDuration(defaultMs));

const limit = (minMs: number, unlimited = false) => duration({ minMs, maxMs: longestTimerMs, unlimited }).optional();

/** Without those whose default is another one for each protocol. */
export interface WrittenLimits extends Omit<InboundLimits, 'idleMs' | 'connectionAgeMs'> {
  readonly idle: number | undefined;
  readonly connectionAge: number | undefined;
}

/** What holds for a listener that speaks `protocol`. */
export function limitsFor(protocol: 'http' | 'tcp', { idle, connectionAge, ...limits }: WrittenLimits): InboundLimits {
  const { idleMs, connectionAgeMs } = protocol === 'tcp' ? tcpDefaults : defaults;
  return { ...limits, idleMs: idle ?? idleMs, connectionAgeMs: connectionAge ?? connectionAgeMs };
}

/** Limits as written and as parsed. */
export const limitsSection = z
  .strictObject({
    connections: count(1, 1_000_000)
      .prefault(defaults.connections)
      .describe(
        'Open connections; above it an unfinished handshake gives way to the new one, or the new one is closed at once.',
      ),
    header_bytes: size({ minBytes: 1024, maxBytes: 2 ** 20 })
      .prefault(formatSize(defaults.headerBytes))
      .describe('Bytes of a request head. Above: 431.'),
    headers: count(1, 10_000).prefault(defaults.headers).describe('Field lines of a request head. Above: 431.'),
    body_bytes: size({ minBytes: 0, maxBytes: 2 ** 50, unlimited: true })
      .prefault(formatSize(defaults.bodyBytes))
      .describe('Bytes of a request body. Above: 413.'),
    handshake: timer(defaults.handshakeMs, 100).describe('Time for the TLS handshake.'),
    handshakes: count(1, 1_000_000)
      .prefault(defaults.handshakes)
      .describe('Unfinished handshakes; above it the one that has kept the listener waiting longest is closed.'),
    header: timer(defaults.headerMs, 100).describe(
      'Time from the first byte of a request head to its end. Above: 408. Who shows no certificate, and had no request let through, may not hold a connection longer either.',
    ),
    idle: limit(100).describe(
      `Time without a request on a kept connection. Default: \`${formatDuration(defaults.idleMs)}\`. Of \`protocol: tcp\` time without a byte either way; default: \`${formatDuration(tcpDefaults.idleMs)}\`.`,
    ),
    request: timer(defaults.requestMs, 100, true).describe(
      'Time for a whole request and its answer. Unlimited, since streams and long polling have no end; one that does not move ends by `min_body_rate` or `upstream_response`.',
    ),
    websocket_idle: timer(defaults.websocketIdleMs, 100, true).describe(
      'Time without a byte either way on an open WebSocket. It is exempt from `idle`, `request` and `connection_age`.',
    ),
    upstream_connect: timer(defaults.upstreamConnectMs, 10).describe('Time to connect to the workload. Above: 503.'),
    upstream_response: timer(defaults.upstreamResponseMs, 10, true).describe(
      'Time to the whole head of an answer, and without a byte after it. Above: 504.',
    ),
    streams: count(1, 10_000).prefault(defaults.streams).describe('Concurrent streams of one HTTP/2 connection.'),
    min_body_rate: rate({ minBytes: 0, maxBytes: 2 ** 30 })
      .prefault(`${formatSize(defaults.minBodyRateBytesPerS)}/s`)
      .describe('Least rate of a body that is being sent or read, over ten seconds; `0B/s` is none.'),
    connection_age: limit(1_000, true).describe(
      `Age at which a connection is ended after its current request. Default: \`${formatDuration(defaults.connectionAgeMs)}\`. Of \`protocol: tcp\` it is cut; default: \`unlimited\`.`,
    ),
  })
  .transform(
    (limits): WrittenLimits => ({
      connections: limits.connections,
      headerBytes: limits.header_bytes,
      headers: limits.headers,
      bodyBytes: limits.body_bytes,
      handshakeMs: limits.handshake,
      handshakes: limits.handshakes,
      headerMs: limits.header,
      requestMs: limits.request,
      websocketIdleMs: limits.websocket_idle,
      upstreamConnectMs: limits.upstream_connect,
      upstreamResponseMs: limits.upstream_response,
      minBodyRateBytesPerS: limits.min_body_rate,
      streams: limits.streams,
      idle: limits.idle,
      connectionAge: limits.connection_age,
    }),
  )
  .describe('Every queue and every wait has a bound.');
