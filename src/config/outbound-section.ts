// `outbound`: the listeners that the workload calls in plain text, to reach peers over mutual TLS.

import * as z from 'zod';
import { SpiffeId, spiffeIdFault } from '../identity/spiffe-id.ts';
import { formatDuration } from '../lib/duration.ts';
import { type Glob, isGlobFault, parseGlob } from '../lib/glob.ts';
import { formatAddress } from '../lib/socket-address.ts';
import { tcpLimitsDefaults } from '../proxy/inbound-options.ts';
import {
  outboundLimitsDefaults as defaults,
  type OutboundOptions,
  type PeerEndpoint,
} from '../proxy/outbound-options.ts';
import { checkOutboundLimits, type OutboundKeys, proxyKeysInVain } from './effect-checks.ts';
import { ejectionSection } from './ejection-section.ts';
import { badValue, choice, count, duration, longestTimerMs, refuse, textField } from './fields.ts';
import { actionSection, checkCaptures, host, resourceSection, routeSection } from './inbound-routes.ts';
import { checkNoRoutes, checkSocketMode, defaultSocketMode } from './protocol-checks.ts';
import { isLocal, parsePeerAddress } from './socket-address.ts';
import { listenAddress, name, socketMode } from './text-fields.ts';

const peerAddress: z.ZodType<PeerEndpoint, string> = textField(parsePeerAddress, {
  'x-form': 'host and port',
  examples: ['orders.internal:8443'],
});

const idGlob: z.ZodType<Glob, string> = textField(
  (text) => {
    const glob = parseGlob(text, { separator: '/', foldCase: false });
    const fault = isGlobFault(glob) ? glob.fault : (trustDomainFault(text) ?? spiffeIdFault(text.replaceAll('*', 'x')));
    if (!isGlobFault(glob) && fault === null && SpiffeId.parse(text.replaceAll('*', 'x')).path !== '') return glob;
    throw badValue(
      `\`${text}\` is no pattern of SPIFFE IDs of workloads${fault === null ? '' : `: ${fault}`}`,
      'write `spiffe://TRUST-DOMAIN/PATH`; `*` is one path segment or a part of one, `**` one or more',
    );
  },
  { 'x-form': 'pattern of SPIFFE IDs', pattern: '^spiffe://', examples: ['spiffe://prod.acme.com/ns/orders/*'] },
);

/** A server of any trust domain is a server that nobody chose. */
function trustDomainFault(text: string): string | null {
  return /^spiffe:\/\/[^/]*\*/.test(text) ? 'the trust domain has to be named' : null;
}

const timer = (defaultMs: number, minMs: number, unlimited = false) =>
  duration({ minMs, maxMs: longestTimerMs, unlimited }).prefault(formatDuration(defaultMs));

const limitsSection = z
  .strictObject({
    connections: count(1, 1_000_000)
      .prefault(defaults.connections)
      .describe(
        'Open connections of the workload: one request under way on each, or 100 streams of HTTP/2. Above: 503.',
      ),
    peer_connections: count(1, 1_000_000)
      .optional()
      .describe('Connections to all endpoints together, kept ones too. Above, requests wait. Default: `connections`.'),
    pending: count(1, 1_000_000)
      .optional()
      .describe('Requests that wait for a connection. Above: 503 at once. Default: `connections`.'),
    requests: count(1, 1_000_000)
      .optional()
      .describe(
        'Requests under way, waiting ones too. Above: 503 at once. Default: as many as the other limits allow.',
      ),
    connect: timer(defaults.upstreamConnectMs, 10).describe(
      'Time for a connection to one endpoint, and longest wait for a name or for a free connection. Above: 503.',
    ),
    handshake: timer(defaults.handshakeMs, 10).describe('Time for the TLS handshake with one endpoint. Above: 502.'),
    response: timer(defaults.upstreamResponseMs, 10, true).describe(
      'Time to the whole head of an answer, and without a byte after it. Above: 504.',
    ),
    request: timer(defaults.requestMs, 100, true).describe('Time for a whole request and its answer. Above: 504.'),
    idle: duration({ minMs: 100, maxMs: longestTimerMs })
      .optional()
      .describe(
        `Time without a request on a kept connection of the workload. Default: \`${formatDuration(defaults.idleMs)}\`. Of \`protocol: tcp\` time without a byte either way; default: \`${formatDuration(tcpLimitsDefaults.idleMs)}\`.`,
      ),
  })
  .describe('Every queue and every wait has a bound.');

const listenerSection = z
  .strictObject({
    name: name().describe('Name in records, metrics and messages.'),
    listen: listenAddress().describe('Where the workload calls in plain text: 127.0.0.0/8, [::1] or a unix socket.'),
    socket_mode: socketMode()
      .optional()
      .describe('Mode of a unix socket to listen on: who may connect. Default: `0600`, the user that Postern runs as.'),
    protocol: choice(['http', 'proxy', 'tcp'])
      .prefault('http')
      .describe(
        'What the workload speaks. `proxy`: HTTP to a forward proxy (HTTP_PROXY); each request goes where the listener leads among whose `hosts` its Host is. `tcp`: anything; each connection is judged once, as a whole.',
      ),
    hosts: z
      .array(host)
      .max(64)
      .prefault([])
      .describe('Names by which `protocol: proxy` listeners reach this one, without port.'),
    to: z
      .array(peerAddress)
      .min(1)
      .max(64)
      .superRefine((all, context) => {
        for (const [at, one] of all.entries()) {
          const isTwin = all.findIndex(({ host, port }) => host === one.host && port === one.port) < at;
          if (isTwin) refuse(context, badValue('the address is listed twice', 'list each address once'), [at]);
        }
      })
      .optional()
      .describe(
        'Where the peer listens with mutual TLS. A name stands for all its addresses, and is resolved again as their TTL ends.',
      ),
    balance: choice(['round_robin', 'least_requests'])
      .prefault('round_robin')
      .describe('Who gets the next request: each endpoint in turn, or whoever has the fewest under way.'),
    ejection: ejectionSection.prefault({}),
    accept: z
      .array(idGlob)
      .min(1)
      .max(64)
      .optional()
      .describe('SPIFFE IDs that the server may have; checked before a byte of a request is sent.'),
    resource: resourceSection
      .optional()
      .describe('The resource of every request that no route matches. Default: `service`, named as the listener.'),
    action: actionSection.prefault('auto').describe('As `inbound[].action`.'),
    routes: z.array(routeSection).max(10_000).prefault([]).describe('As `inbound[].routes`.'),
    mode: choice(['enforce', 'shadow'])
      .prefault('enforce')
      .describe('`shadow` records what would be denied and lets it pass.'),
    retries: count(0, 10)
      .prefault(1)
      .describe(
        'Further endpoints that are asked where no connection comes about, and further sendings of a GET, HEAD or OPTIONS without a body that was not answered. Nothing else is sent twice.',
      ),
    limits: limitsSection.prefault({}),
  })
  .superRefine((listener, context) => {
    checkCaptures(listener, [], context);
    checkKind(listener, context);
    checkNoRoutes(listener, context);
    checkOutboundLimits(listener, context);
    checkSocketMode(listener, context);
    if (isLocal(listener.listen)) return;
    const message = `\`${formatAddress(listener.listen)}\` lets other machines call in the name of this workload`;
    const mend = 'listen on an address of 127.0.0.0/8, on [::1] or on a unix socket';
    refuse(context, badValue(message, mend, 'ERR_CONFIG_UNSAFE'), ['listen']);
  })
  .transform(
    (listener): OutboundOptions => ({
      name: listener.name,
      protocol: listener.protocol === 'tcp' ? 'tcp' : 'http',
      listen: listener.listen,
      reusePort: false,
      socketMode: listener.socket_mode ?? defaultSocketMode,
      kind: listener.protocol === 'proxy' ? 'proxy' : 'upstream',
      hosts: listener.hosts,
      to: listener.to ?? [],
      retries: listener.retries,
      breaker: {
        connections: listener.limits.peer_connections ?? listener.limits.connections,
        pending: listener.limits.pending ?? listener.limits.connections,
        requests: listener.limits.requests ?? Number.POSITIVE_INFINITY,
      },
      balance: listener.balance,
      ejection: listener.ejection,
      accept: listener.accept ?? [],
      resource: listener.resource ?? { type: 'service', name: listener.name },
      action: listener.action,
      routes: listener.routes,
      identityRequired: 'x509',
      forwardToken: true,
      mode: listener.mode,
      pathNormalization: 'reject',
      pathParameters: 'reject',
      deny: { status: 403, body: 'problem', code: 'ERR_OUTBOUND_DENIED' },
      limits: {
        ...defaults,
        connections: listener.limits.connections,
        upstreamConnectMs: listener.limits.connect,
        upstreamResponseMs: listener.limits.response,
        handshakeMs: listener.limits.handshake,
        requestMs: listener.limits.request,
        ...(listener.protocol === 'tcp' ? tcpLimitsDefaults : {}),
        ...(listener.limits.idle === undefined ? {} : { idleMs: listener.limits.idle }),
      },
      workloadHeaders: [],
    }),
  );

/** What a listener that leads somewhere needs, a proxy has not. */
function checkKind(listener: OutboundKeys & Counted, context: z.RefinementCtx): void {
  if (listener.protocol === 'proxy') {
    const given = [
      ...(['to', 'accept', 'resource'] as const).filter((key) => listener[key] !== undefined).map((key) => [key]),
      ...(['hosts', 'routes'] as const).filter((key) => listener[key].length > 0).map((key) => [key]),
      ...proxyKeysInVain(listener),
    ];
    const mend = 'remove it: each request is served as the listener among whose `hosts` its Host is';
    for (const path of given) refuse(context, badValue(`a proxy has no \`${path.join('.')}\``, mend), path);
    return;
  }
  for (const key of ['to', 'accept'] as const) {
    if (listener[key] !== undefined) continue;
    context.addIssue({ code: 'invalid_type', expected: 'array', input: undefined, path: [key] });
  }
}

interface Counted {
  readonly to?: unknown;
  readonly accept?: unknown;
  readonly resource?: unknown;
  readonly hosts: readonly string[];
  readonly routes: readonly unknown[];
}

/** The listeners as written and as parsed. */
export const outboundSection = z
  .array(listenerSection)
  .max(100)
  .describe('Listeners for calls that the workload makes: plain text in, a decision, a record, then mutual TLS.');
