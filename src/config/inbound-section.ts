// `inbound`: the listeners that stand before the workload.

import * as z from 'zod';
import { formatAddress } from '../lib/socket-address.ts';
import type { InboundOptions } from '../proxy/inbound-options.ts';
import { badValue, choice, count, refuse, textField } from './fields.ts';
import { limitsFor, limitsSection } from './inbound-limits.ts';
import { actionSection, checkCaptures, resourceSection, routeSection } from './inbound-routes.ts';
import { checkProtocol, checkSocketMode, defaultSocketMode } from './protocol-checks.ts';
import { isLocal } from './socket-address.ts';
import { forwardAddress, listenAddress, name, network, socketMode } from './text-fields.ts';

const healthPath = textField(
  (text) => {
    if (/^\/[A-Za-z0-9._~/-]*$/.test(text) && !/\/\/|\/\.{1,2}(\/|$)/.test(text)) return text;
    throw badValue(
      `\`${text}\` is not a plain path`,
      'write a path such as `/healthz`, without query, `..`, `//` or escapes',
    );
  },
  { 'x-form': 'path of a URL', pattern: '^/', examples: ['/healthz'] },
);

const denySection = z
  .strictObject({
    status: count(400, 499).prefault(403).describe('Status of a denied request.'),
    body: choice(['problem', 'empty']).prefault('problem').describe('`problem`: application/problem+json (RFC 9457).'),
  })
  .describe('What a denied caller sees. Never why: that is in the record.');

const proxyProtocolSection = z
  .strictObject({
    send: choice(['off', 'v2'])
      .prefault('off')
      .describe(
        'Of `protocol: tcp`: the workload is told in a header before the first octet from where a connection comes, and the SPIFFE ID of who it is.',
      ),
    accept_from: z
      .array(network())
      .max(64)
      .prefault([])
      .describe(
        'Networks of load balancers. Whoever connects from there must begin with a header of version 2, which says from where the connection comes; from others a header is refused.',
      ),
  })
  .describe('The PROXY protocol of HAProxy, towards the workload and from load balancers.');

const workloadHeader = choice(['x-forwarded-client-cert', 'x-postern-peer', 'x-postern-decision-id']);

/** What is spoken to a workload by the scheme of its address. */
const spokenBy = Object.freeze({ http: 'http1', unix: 'http1', tcp: 'http1', h2c: 'http2', auto: 'either' } as const);

const listenerSection = z
  .strictObject({
    name: name().describe('Name in records, metrics and messages.'),
    listen: listenAddress().describe('Where peers connect with mutual TLS.'),
    socket_mode: socketMode()
      .optional()
      .describe('Mode of a unix socket to listen on: who may connect. Default: `0600`, the user that Postern runs as.'),
    reuse_port: z
      .boolean()
      .prefault(false)
      .describe('Allows a second Postern of the same user on this port, for an upgrade without a gap.'),
    protocol: choice(['http', 'tcp'])
      .prefault('http')
      .describe(
        'What peers speak. `tcp` is anything: each connection is judged once, as a whole, and relayed as it is.',
      ),
    forward: forwardAddress().describe(
      'Where the workload listens. Plain text goes there, so it must be local. `h2c://` for one that speaks HTTP/2, such as a gRPC server; `auto://` finds out which of the two it is.',
    ),
    unsafe_forward: z
      .boolean()
      .prefault(false)
      .describe('Allows a `forward` beyond this machine, over a network that sees requests in the clear.'),
    resource: resourceSection
      .optional()
      .describe(
        'The resource of every request that no route matches. Default: `http_endpoint` (or `tcp_endpoint`), named as the own service.',
      ),
    action: actionSection
      .prefault('auto')
      .describe(
        '`auto` (GET, HEAD, OPTIONS: read; POST, PUT, PATCH, DELETE: write), a word, or a list that must all be allowed. Of `protocol: tcp` `auto` is `connect`.',
      ),
    routes: z.array(routeSection).max(10_000).prefault([]).describe('What a request is; the first match wins.'),
    identity_required: choice(['x509', 'x509_or_token', 'token'])
      .prefault('x509')
      .describe(
        'What a peer must show: `x509` a certificate; `token` a bearer token with each request (peers are asked for no certificate); `x509_or_token` either, and where both come both must hold. Tokens need `identity.tokens`.',
      ),
    forward_token: z
      .boolean()
      .prefault(false)
      .describe('The workload gets the token that Postern verified. By default it is taken out of the request.'),
    mode: choice(['enforce', 'shadow'])
      .prefault('enforce')
      .describe('`shadow` records what would be denied and lets it pass.'),
    plaintext: choice(['refuse', 'permit'])
      .prefault('refuse')
      .describe(
        'Connections without TLS on the same port. `permit`, for a migration: they are principals of type `anonymous`, judged by policy like any other.',
      ),
    proxy_protocol: proxyProtocolSection.prefault({}),
    http2: choice(['off', 'on'])
      .prefault('off')
      .describe(
        '`on`: peers may choose HTTP/2 by ALPN, whatever the workload speaks. Opt-in, until it has been in service for longer.',
      ),
    path_normalization: choice(['reject', 'canonicalize'])
      .prefault('reject')
      .describe('A path that is not in canonical form: answer 400, or decide on and forward the canonical one.'),
    path_parameters: choice(['reject', 'pass'])
      .prefault('reject')
      .describe(
        'A path with `;` or `%3B` in a segment: answer 400, or pass it. Servlet containers cut off what follows: with `pass`, `/admin;x` may get past a route or rule for `/admin`.',
      ),
    health_passthrough: z
      .array(healthPath)
      .max(16)
      .prefault([])
      .describe(
        'Paths of the workload that the admin listener serves without identity, but for those of its own endpoints. Here they are judged like any other.',
      ),
    deny: denySection.prefault({}),
    limits: limitsSection.prefault({}),
    workload_headers: z
      .array(workloadHeader)
      .max(3)
      .prefault(['x-forwarded-client-cert', 'x-postern-peer', 'x-postern-decision-id'])
      .describe('Headers set towards the workload, after whatever came by that name was removed.'),
  })
  .superRefine((listener, context) => {
    checkCaptures(listener, [], context);
    checkProtocol(listener, context);
    checkSocketMode(listener, context);
    const { address } = listener.forward;
    if (listener.unsafe_forward || isLocal(address)) return;
    const mend =
      'forward to 127.0.0.1, [::1] or a unix socket; or, if the network between is trusted, set `unsafe_forward: true`';
    const message = `\`${formatAddress(address)}\` is not on this machine, and requests to it go in the clear`;
    refuse(context, badValue(message, mend, 'ERR_CONFIG_UNSAFE'), ['forward']);
  })
  .transform(
    (listener): InboundOptions => ({
      name: listener.name,
      protocol: listener.protocol,
      http2: listener.http2 === 'on',
      workloadSpeaks: spokenBy[listener.forward.scheme],
      listen: listener.listen,
      reusePort: listener.reuse_port,
      socketMode: listener.socket_mode ?? defaultSocketMode,
      forward: listener.forward.address,
      resource: listener.resource,
      action: listener.action,
      routes: listener.routes,
      identityRequired: listener.identity_required,
      forwardToken: listener.forward_token,
      mode: listener.mode,
      plaintext: listener.plaintext,
      proxyProtocol: {
        send: listener.proxy_protocol.send === 'v2',
        acceptFrom: listener.proxy_protocol.accept_from,
      },
      pathNormalization: listener.path_normalization,
      pathParameters: listener.path_parameters,
      healthPassthrough: listener.health_passthrough,
      deny: listener.deny,
      limits: limitsFor(listener.protocol, listener.limits),
      workloadHeaders: [...new Set(listener.workload_headers)],
    }),
  );

/** The listeners as written and as parsed. */
export const inboundSection = z
  .array(listenerSection)
  .max(100)
  .describe(
    'Listeners before the workload: TLS in, a decision, a record, then forward. None where it only calls others.',
  );
