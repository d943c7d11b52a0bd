// The one error class of Postern and the closed list of its codes. Codes are API: SIEM rules, tests and callers depend
// on them. docs/errors.md is generated from `errorCatalog`, so a code without an explanation cannot exist.

import type { Finding } from './lib/finding.ts';
import type { SourcePosition } from './lib/source-position.ts';

/**
 * Every code, with what it means and how an operator mends it. `exit` is the exit code of the command line when the
 * error ends a command: 2 for wrong usage, configuration or input, 3 for an I/O or network fault.
 */
export const errorCatalog = {
  ERR_USAGE: { exit: 2, means: 'the command line is wrong', mend: 'see `postern COMMAND --help`' },
  ERR_CONFIG_ROUTE: {
    exit: 2,
    means: 'a route of the route table cannot be compiled',
    mend: 'a path template starts with `/`; `{name}` is one whole segment, `{name...}` the rest; use only captures it has',
  },
  ERR_SPIFFE_ID_INVALID: {
    exit: 2,
    means: 'a text is not a valid SPIFFE ID',
    mend: 'write spiffe://TRUST-DOMAIN/PATH: lower-case trust domain, path segments of letters, digits, dot, dash, underscore',
  },
  ERR_TRUST_DOMAIN_INVALID: {
    exit: 2,
    means: 'a text is not a valid trust domain name',
    mend: 'write the bare name, such as prod.acme.com: lower-case letters, digits, dot, dash, underscore',
  },
  ERR_CERTIFICATE_MALFORMED: {
    exit: 2,
    means: 'a certificate is not strict DER of X.509 version 3',
    mend: 'issue it again, with a tool that writes DER as RFC 5280 has it',
  },
  ERR_SVID_CERTIFICATE: {
    exit: 2,
    means: 'the file of the own certificate holds no readable certificate',
    mend: 'write the leaf and then its intermediates to it as PEM',
  },
  ERR_SVID_REFUSED: {
    exit: 2,
    means: 'the own certificate is not an X509-SVID that peers would accept, or is not valid now',
    mend: 'issue it as docs/identity.md shows; `postern identity inspect FILE` lists every fault',
  },
  ERR_SVID_CHAIN: {
    exit: 2,
    means: 'the certificates in the file of the own certificate are not a chain',
    mend: 'put the leaf first, then each issuer after what it issued',
  },
  ERR_SVID_KEY: {
    exit: 2,
    means: 'the file of the own private key holds no usable key',
    mend: 'write the one private key to it as PEM (PKCS #8), without a passphrase',
  },
  ERR_SVID_KEY_MISMATCH: {
    exit: 2,
    means: 'the private key does not fit the certificate',
    mend: 'replace certificate and key together',
  },
  ERR_SVID_UNVOUCHED: {
    exit: 2,
    means: 'the own certificate does not verify against the own bundle, so peers of the trust domain would refuse it',
    mend: 'put the CA that issued the certificate into the bundle, and missing intermediates into the certificate file',
  },
  ERR_TRUST_BUNDLE_INVALID: {
    exit: 2,
    means: 'a trust bundle cannot be read, or holds something that is no authority',
    mend: 'write the CA certificates of the trust domain to it, as PEM or as a SPIFFE bundle (JWKS)',
  },
  ERR_TRUST_BUNDLE_EMPTY: {
    exit: 2,
    means:
      'a SPIFFE bundle has no X.509 key that is understood: its trust domain withdrew them all, and nobody of it is accepted',
    mend: 'ask its operators if they meant it; a bundle with `use: x509-svid` keys that have an `x5c` ends it',
  },
  ERR_TRUST_BUNDLE_EXPIRED: {
    exit: 2,
    means: 'every authority of a trust bundle has expired',
    mend: 'fetch the current bundle of the trust domain',
  },
  ERR_TRUST_BUNDLE_DUPLICATE: {
    exit: 2,
    means: 'a trust domain has more than one bundle',
    mend: 'list each trust domain once; the own one is not listed under identity.federation',
  },
  ERR_IDENTITY_FILE: {
    exit: 3,
    means: 'an identity file cannot be read',
    mend: 'check that the path is right and that the user Postern runs as may read it',
  },
  ERR_IDENTITY_KEY_EXPOSED: {
    exit: 2,
    means: 'the file of the private key may be read by every user of the host',
    mend: 'chmod 0600 the key file',
  },
  ERR_CRL_INVALID: {
    exit: 2,
    means: 'a certificate revocation list cannot be used',
    mend: 'get the current one from its CA; until then the last good one stays in force',
  },
  ERR_CRL_EXPIRED: {
    exit: 2,
    means: 'a certificate revocation list is over its time',
    mend: 'get the current one from its CA, or write `identity.crl.expired: use` to go by the old one',
  },
  ERR_BUNDLE_ENDPOINT: {
    exit: 3,
    means: 'the bundle of a federated trust domain cannot be fetched; the last good one stays in use',
    mend: 'look whether its bundle endpoint is up and who answers there; Postern asks again',
  },
  ERR_REVOCATIONS_INVALID: {
    exit: 2,
    means: 'the list of revocations cannot be read as one',
    mend: 'mend the file; until then the last good list stays in force',
  },
  ERR_REGISTRY_INVALID: {
    exit: 2,
    means: 'the registry of identities cannot be read as one',
    mend: 'mend the file; until then the last good registry stays in force',
  },
  ERR_IDENTITY_WAITING: {
    exit: 3,
    means: 'there is no identity yet, so nothing can be served or explained',
    mend: 'see /readyz for what it waits for',
  },
  ERR_IDENTITY_ROTATION_LATE: {
    exit: 3,
    means: 'the agent has not replaced the own SVID in good time; Postern asks it again',
    mend: 'look whether the agent is healthy and reaches its server',
  },
  ERR_WORKLOAD_API_ADDRESS: {
    exit: 2,
    means: 'a text is not the address of a SPIFFE Workload API',
    mend: 'write unix:///absolute/path or tcp://IP:PORT, and nothing more (SPIFFE Workload Endpoint, section 4)',
  },
  ERR_WORKLOAD_API_UNREACHABLE: {
    exit: 3,
    means: 'the agent of the Workload API is not there, or closed the connection; Postern tries again',
    mend: 'start the agent, and look at its log; Postern waits for it',
  },
  ERR_WORKLOAD_API_DENIED: {
    exit: 3,
    means: 'the agent has no identity for the Postern process: no registration entry has its selectors, or none yet',
    mend: 'register an entry with selectors of this process, such as unix:uid:N or k8s:sa:NAME, under the agent (or its node alias); see docs/identity.md',
  },
  ERR_WORKLOAD_API_REFUSED: {
    exit: 3,
    means: 'the agent refused a request of the Workload API, or does not know it',
    mend: 'look whether what listens there is a SPIFFE Workload API, and enable the profile in the agent',
  },
  ERR_WORKLOAD_API_STALLED: {
    exit: 3,
    means: 'the agent took a request and sent nothing; Postern asks again',
    mend: 'look whether the agent is healthy, and restart it if it hangs',
  },
  ERR_WORKLOAD_API_ANSWER: {
    exit: 3,
    means: 'the agent sent something that is no valid answer of the Workload API; the last good identity stays',
    mend: 'look at the log of the agent, and whether its version is supported',
  },
  ERR_WORKLOAD_API_SVID: {
    exit: 2,
    means: 'the agent serves no X509-SVID with the SPIFFE ID or hint of the configuration',
    mend: 'correct identity.workload_api.spiffe_id or hint, or register the entry',
  },
  ERR_IDENTITY_ATTRIBUTES: {
    exit: 2,
    means: 'a row of identity.attributes cannot be compiled',
    mend: '`{name}` stands for one whole path segment or one label of the trust domain; see docs/identity.md',
  },
  ERR_IDENTITY_TOKENS: {
    exit: 2,
    means: 'a row of identity.tokens cannot be used',
    mend: 'see "Tokens" in docs/identity.md for what a row takes',
  },
  ERR_TOKEN_KEYS: {
    exit: 3,
    means: 'the keys of an issuer of tokens cannot be had; the last good ones stay, and without any its tokens get 503',
    mend: 'see that the address or file is right and can be reached; Postern tries again by itself',
  },
  ERR_DEV_CA: {
    exit: 2,
    means: 'the embedded development CA cannot be used',
    mend: 'make one: postern ca init --dir DIR --trust-domain NAME',
  },
  ERR_DEV_CA_PRODUCTION: {
    exit: 2,
    means: 'the embedded development CA refuses to work where NODE_ENV=production',
    mend: 'use identity.source: files or workload-api; the dev CA keeps its key in a plain file',
  },
  ERR_DEV_CA_STORE: {
    exit: 3,
    means: 'the folder of the development CA cannot be read or written',
    mend: 'check the folder and its permissions',
  },
  ERR_DEMO_PROGRAM: {
    exit: 3,
    means: 'a program that the demo starts did not start',
    mend: 'run it by hand to see why',
  },
  ERR_UPSTREAM_UNREACHABLE: {
    exit: 3,
    means: 'the workload does not accept connections; the caller gets 503',
    mend: 'see that the workload listens where `forward:` says',
  },
  ERR_UPSTREAM_FAILED: {
    exit: 3,
    means: 'the workload broke off before or within its answer; the caller gets 502 or a cut connection',
    mend: 'look at the workload and its own log at the time of the decision id',
  },
  ERR_UPSTREAM_TIMEOUT: {
    exit: 3,
    means: 'the workload sent nothing for too long; the caller gets 504',
    mend: 'make the workload faster or raise `limits.upstream_response`',
  },
  ERR_OUTBOUND_DENIED: {
    exit: 3,
    means: 'the own policy denied a call of the workload; nothing was sent',
    mend: 'find the decision by its id: `postern audit query`, and `network.direction` is `outbound`',
  },
  ERR_OUTBOUND_DNS: {
    exit: 3,
    means: 'the name of a peer that the workload calls does not resolve; the caller gets 503',
    mend: 'correct `to:`, or see what the resolver of this machine knows',
  },
  ERR_OUTBOUND_UNREACHABLE: {
    exit: 3,
    means: 'a peer that the workload calls does not accept connections; the caller gets 503',
    mend: 'see that the peer is up and listens where `to:` says, and that no firewall is between',
  },
  ERR_OUTBOUND_HANDSHAKE: {
    exit: 3,
    means: 'the TLS handshake with a peer failed, or it refused our certificate; the caller gets 502',
    mend: 'see that `to:` names a port with mutual TLS, and that both sides have the bundle of the other',
  },
  ERR_OUTBOUND_IDENTITY: {
    exit: 3,
    means: 'whoever answered is not in `accept:`, or its certificate does not hold; no byte of the request was sent',
    mend: 'compare the expected and the shown ID: correct `accept:`, or find out who listens there',
  },
  ERR_OUTBOUND_FAILED: {
    exit: 3,
    means:
      'a peer broke off before or within its answer, or sent no valid one; the caller gets 502 or a cut connection',
    mend: 'look at the peer, by the trace id of the decision',
  },
  ERR_OUTBOUND_TIMEOUT: {
    exit: 3,
    means: 'a peer sent nothing for too long; the caller gets 504',
    mend: 'make the peer faster or raise `limits.response`',
  },
  ERR_OUTBOUND_HOST: {
    exit: 3,
    means: 'a call through a `protocol: proxy` listener names a host that no outbound listener has; nothing was sent',
    mend: 'add the name to `hosts` of the outbound listener that leads there, or take it out of HTTP_PROXY with NO_PROXY',
  },
  ERR_OUTBOUND_CONNECT: {
    exit: 3,
    means: 'a caller asked a `protocol: proxy` listener for a tunnel with CONNECT; it got 501',
    mend: 'call `http://` and not `https://`: a tunnel hides requests from policy, and Postern makes the mutual TLS',
  },
  ERR_OUTBOUND_OVERLOADED: {
    exit: 3,
    means: 'a limit of what may be under way to a peer is met; the caller gets 503 at once, and nothing was sent',
    mend: 'raise `limits.peer_connections`, `limits.pending` or `limits.requests`, or find out why the peer is slow',
  },
  ERR_POLICY_INVALID: {
    exit: 2,
    means: 'a policy file does not load; the whole bundle is refused and the last good one stays in force',
    mend: 'see every finding with `postern policy lint`, and docs/policy-language.md',
  },
  ERR_POLICY_UNREADABLE: {
    exit: 3,
    means: 'a policy file or folder cannot be read; the last good bundle stays in force',
    mend: 'see that the path under `policy.paths` exists and is readable',
  },
  ERR_POLICY_REQUEST: {
    exit: 2,
    means: 'an evaluation request is not of the documented form',
    mend: 'see `evaluation request` in docs/policy-language.md',
  },
  ERR_POLICY_TEST: {
    exit: 2,
    means: 'a file of policy tests cannot be used',
    mend: 'see `Testing policies` in docs/policy-language.md for its form',
  },
  ERR_CLI_INPUT: {
    exit: 2,
    means: 'what was given on stdin or as a file to a command cannot be used',
    mend: 'see `postern COMMAND --help` for the form it takes',
  },
  ERR_CONFIG_VALUE: {
    exit: 2,
    means: 'a value of the configuration is of the wrong type, form or range',
    mend: 'see docs/configuration.md for what the key takes',
  },
  ERR_CONFIG_KEY: {
    exit: 2,
    means: 'a key of the configuration is unknown or missing; a misspelt key never counts as absent',
    mend: 'see docs/configuration.md for the keys of each section',
  },
  ERR_CONFIG_SYNTAX: {
    exit: 2,
    means: 'the file is not the plain YAML or JSON that Postern reads (no anchors, aliases, tags or repeated keys)',
    mend: 'mend the text at the place named',
  },
  ERR_CONFIG_VARIABLE: {
    exit: 2,
    means: 'the configuration names an environment variable that is not set',
    mend: 'set the variable, or write `$${` for a literal `${`',
  },
  ERR_CONFIG_NOT_YET: {
    exit: 2,
    means: 'the key or value is part of the contract but not in this version; it is refused, never ignored',
    mend: 'remove it, or use a version that has it',
  },
  ERR_CONFIG_CONFLICT: {
    exit: 2,
    means: 'two parts of the configuration cannot both hold: a name or an address used twice, a loop, no record kept',
    mend: 'change one of the two places',
  },
  ERR_CONFIG_UNSAFE: {
    exit: 2,
    means: 'the configuration would give up a protection without saying so by an `unsafe_` key',
    mend: 'see docs/configuration.md for the safe form',
  },
  ERR_CONFIG_INVALID: {
    exit: 2,
    means: 'the configuration was refused; every fault is listed with its place',
    mend: 'mend the findings; `postern check -c FILE` lists them again',
  },
  ERR_CONFIG_READ: {
    exit: 2,
    means: 'a file of the configuration cannot be read',
    mend: 'check that the path is right and that the user of Postern may read it',
  },
  ERR_LISTEN: {
    exit: 3,
    means: 'a listener cannot bind its address',
    mend: 'free the address or change `listen:`',
  },
  ERR_JOURNAL_UNAVAILABLE: {
    exit: 3,
    means: 'a decision cannot be put on record; its request is denied with 503',
    mend: 'see that the disk of `audit.journal.dir` is there, writable and not full; Postern goes on by itself',
  },
  ERR_JOURNAL_NOT_FOUND: {
    exit: 2,
    means: 'there is no journal at that place',
    mend: 'give the folder that `audit.journal.dir` names; it holds one folder for each start of Postern',
  },
  ERR_JOURNAL_UNREADABLE: {
    exit: 3,
    means: 'a part of a journal cannot be read',
    mend: 'run as a user who may read the journal (its files have mode 0600), and see that the disk is well',
  },
  ERR_SHIP_BUSY: {
    exit: 3,
    means: 'another process delivers under the same name',
    mend: 'give each receiver a name of its own, or end the other process',
  },
  ERR_SHIP_CURSOR: {
    exit: 3,
    means: 'what was delivered cannot be kept on disk',
    mend: 'see that `cursors` in the folder of the journal is writable and its disk not full',
  },
  ERR_WIRE_REQUEST_LINE_INVALID: {
    exit: 3,
    means: 'what arrived is not an HTTP/1.1 request line',
    mend: 'look at the sender: it is broken or hostile; docs/wire.md says what is accepted',
  },
  ERR_WIRE_CONNECT: {
    exit: 3,
    means: 'a request asks for a tunnel with CONNECT, whose content no policy could see',
    mend: 'call `http://` and not `https://` where HTTP_PROXY names a listener of Postern: it makes the mutual TLS',
  },
  ERR_WIRE_TARGET_INVALID: {
    exit: 3,
    means: 'the request target is in no form that is served',
    mend: 'look at the sender: it is broken or hostile; docs/wire.md says what is accepted',
  },
  ERR_WIRE_TARGET_TOO_LONG: {
    exit: 3,
    means: 'the request target is longer than 16 KiB',
    mend: 'send less, or raise `limits` of the listener',
  },
  ERR_WIRE_VERSION_UNSUPPORTED: {
    exit: 3,
    means: 'the request is of another HTTP version than 1.0 and 1.1',
    mend: 'look at the sender: it is broken or hostile; docs/wire.md says what is accepted',
  },
  ERR_WIRE_HOST_INVALID: {
    exit: 3,
    means: 'Host is missing, repeated, invalid, or differs from the target',
    mend: 'look at the sender: it is broken or hostile; docs/wire.md says what is accepted',
  },
  ERR_WIRE_PATH_REFUSED: {
    exit: 3,
    means: 'the path has no form that policy and workload would both read alike',
    mend: 'look at the sender: it is broken or hostile; docs/wire.md says what is accepted',
  },
  ERR_WIRE_FIELD_INVALID: {
    exit: 3,
    means: 'a field line is not valid',
    mend: 'look at the sender: it is broken or hostile; docs/wire.md says what is accepted',
  },
  ERR_WIRE_UPGRADE_INVALID: {
    exit: 3,
    means: 'a request asks for WebSocket in a form that RFC 6455 does not know',
    mend: 'look at the sender: it is broken or hostile; docs/wire.md says what is accepted',
  },
  ERR_WIRE_FRAMING_INVALID: {
    exit: 3,
    means: 'where the message ends can be read in two ways',
    mend: 'look at the sender: it is broken or hostile; docs/wire.md says what is accepted',
  },
  ERR_WIRE_HEAD_TOO_LARGE: {
    exit: 3,
    means: 'a head or trailer section is above its limit',
    mend: 'send less, or raise `limits` of the listener',
  },
  ERR_WIRE_CHUNK_INVALID: {
    exit: 3,
    means: 'a chunk is not valid',
    mend: 'look at the sender: it is broken or hostile; docs/wire.md says what is accepted',
  },
  ERR_WIRE_TRUNCATED: {
    exit: 3,
    means: 'the sender closed within a message',
    mend: 'look at the sender: it is broken or hostile; docs/wire.md says what is accepted',
  },
  ERR_WIRE_RESPONSE_INVALID: {
    exit: 3,
    means: "the workload's answer is not valid HTTP/1.1",
    mend: 'look at the workload; docs/wire.md says what is accepted of it',
  },
  ERR_WIRE_RESPONSE_UNEXPECTED: {
    exit: 3,
    means: 'the workload sent what nothing asked for; its connection is closed',
    mend: 'look at the workload; docs/wire.md says what is accepted of it',
  },
  ERR_WIRE_HTTP2: {
    exit: 3,
    means: 'the sender breaks a rule of HTTP/2, or floods',
    mend: 'look at the sender: it is broken or hostile; docs/wire.md says what is accepted',
  },
  ERR_CONFIG_FIXED: {
    exit: 2,
    means: 'a reload would change what only a start can set; the old configuration goes on',
    mend: 'restart the sidecar, or take that change back',
  },
  ERR_WORKER: {
    exit: 3,
    means: 'a worker process ended by itself, does not answer, or differs from the others; it is started again',
    mend: 'the operational log says more, in lines with its number as `worker`',
  },
  ERR_INTERNAL: {
    exit: 3,
    means: 'a defect in Postern; the request is denied',
    mend: 'report it with the decision id',
  },
} as const satisfies Record<string, ErrorEntry>;

interface ErrorEntry {
  readonly exit: 2 | 3;
  readonly means: string;
  readonly mend: string;
}

/** The closed union of error codes. */
export type ErrorCode = keyof typeof errorCatalog;

export type { SourcePosition } from './lib/source-position.ts';

/** What may accompany a code. */
export interface PosternErrorDetails {
  /** Every single fault, where one error stands for several. */
  readonly findings?: readonly Finding[];
  readonly cause?: unknown;
  readonly position?: SourcePosition;
  /** How to mend this very case, where it says more than the catalog. */
  readonly mend?: string;
}

/**
 * A coded fault. The message is lower case, without a full stop or line break, outside input in backticks, never a
 * secret; it is meant for operators and logs, never for a peer.
 */
export class PosternError extends Error {
  readonly code: ErrorCode;
  readonly position: SourcePosition | undefined;
  readonly mend: string;
  /** Empty, unless this error stands for several faults (a refused configuration or policy). */
  readonly findings: readonly Finding[];

  constructor(code: ErrorCode, message: string, details: PosternErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PosternError';
    this.code = code;
    this.position = details.position;
    this.mend = details.mend ?? errorCatalog[code].mend;
    this.findings = details.findings ?? [];
  }
}

/** True for a PosternError, of the given code if one is named. */
export function isPosternError(value: unknown, code?: ErrorCode): value is PosternError {
  return value instanceof PosternError && (code === undefined || value.code === code);
}
