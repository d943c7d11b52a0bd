// `audit.sinks`: where records are delivered to. One row a receiver; which keys it has depends on its `type`.

import * as z from 'zod';
import { encodingNames } from '../audit/encode/encoders.ts';
import { type BulkFlavour, bulkFlavours } from '../audit/sinks/bulk-format.ts';
import type {
  HostPort,
  KafkaSink,
  OtlpSink,
  SinkEncoding,
  SinkOptions,
  SyslogAddress,
} from '../audit/sinks/sink-options.ts';
import type { PosternError } from '../errors.ts';
import { badValue, choice, guard, textField } from './fields.ts';
import { filePath, name } from './text-fields.ts';

/** @throws PosternError ERR_CONFIG_VALUE */
function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return text;
  throw badValue('the address is no http or https URL without user and password', 'write `https://host:port/path`');
}

/** @throws PosternError ERR_CONFIG_VALUE */
function parseSyslogAddress(text: string): SyslogAddress {
  const match = /^(tls|tcp|udp):\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match !== null && port >= 1 && port <= 65_535) {
    const host = match[2]!.replace(/^\[|\]$/g, '');
    return { transport: match[1] as SyslogAddress['transport'], host, port };
  }
  throw badValue(`\`${text}\` is no address of a syslog server`, 'write `tls://host:6514`, `tcp://…` or `udp://…`');
}

/** @throws PosternError ERR_CONFIG_VALUE */
function parseHeaderValue(text: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) return text;
  throw badValue('the value of the header is not one line of printable ASCII', 'see what the variable holds');
}

/** @throws PosternError ERR_CONFIG_VALUE */
function parseBroker(text: string): HostPort & { readonly isTls: boolean } {
  const match = /^(tcp:\/\/|tls:\/\/)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match !== null && port >= 1 && port <= 65_535) {
    return { host: match[2]!.replace(/^\[|\]$/g, ''), port, isTls: match[1] !== 'tcp://' };
  }
  throw badValue(`\`${text}\` is no address of a broker`, 'write `host:9093` for TLS, `tcp://host:9092` without');
}

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/);

const written = z.strictObject({
  type: choice(['file', 'http', 'syslog', 'otlp', 'kafka']).describe(
    '`file`: a line a record, appended; may be rotated by renaming it. `http`: many records a POST. `syslog`: RFC 5424. `otlp`: OpenTelemetry logs over HTTP. `kafka`: a record a message, keyed by principal.',
  ),
  name: name()
    .optional()
    .describe('Names the sink in metrics, messages and `cursors` of the journal. Default: its `type`.'),
  encode: choice(['native', ...encodingNames])
    .optional()
    .describe(
      'The form of a record. Default: `native`; `ecs` for `flavour: elastic`; `rfc5424`, all in structured data, for `type: syslog`.',
    ),
  path: filePath('/var/log/postern/authz.ndjson')
    .optional()
    .describe('Of `type: file`: the file, made with mode 0600.'),
  url: textField(parseUrl, { 'x-form': 'URL', pattern: '^https?://', examples: ['https://es:9200/postern/_bulk'] })
    .optional()
    .describe('Of `type: http` and `otlp`: where to POST, such as `https://collector:4318/v1/logs`.'),
  flavour: choice(bulkFlavours)
    .optional()
    .describe('Of `type: http`: how the receiver takes many records. Default: `ndjson`.'),
  address: textField(parseSyslogAddress, {
    'x-form': 'syslog address',
    pattern: '^(tls|tcp|udp)://',
    examples: ['tls://siem:6514', 'tcp://127.0.0.1:601', 'udp://127.0.0.1:514'],
  })
    .optional()
    .describe('Of `type: syslog`: over TLS, TCP (octet counting) or UDP. Over UDP nobody knows what arrives.'),
  format: choice(['rfc5424'])
    .optional()
    .describe(
      'Of `type: syslog`: the header of each message. With another `encode` the record is the message behind it.',
    ),
  protocol: choice(['protobuf', 'json'])
    .optional()
    .describe('Of `type: otlp`: the form of a request. Default: `protobuf`.'),
  brokers: z
    .array(textField(parseBroker, { 'x-form': 'broker', examples: ['kafka:9093', 'tcp://127.0.0.1:9092'] }))
    .min(1)
    .optional()
    .describe('Of `type: kafka`: those asked first, over TLS; `tcp://` before all of them for none.'),
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/)
    .optional()
    .describe('Of `type: kafka`: must be there.'),
  compression: choice(['gzip', 'off'])
    .optional()
    .describe('Of `type: otlp` and `kafka`: of a request or batch. Default: `gzip`.'),
  headers: z
    .record(headerName, textField(parseHeaderValue, { 'x-form': 'text' }))
    .optional()
    .describe(
      'Of `type: http` and `otlp`: sent with each request, such as `authorization` with a variable. Never shown.',
    ),
  ca: filePath('siem-ca.pem')
    .optional()
    .describe('For TLS: PEM of the CAs to believe, in place of those of the system.'),
});

type Written = z.output<typeof written>;
type Type = Written['type'];

/** Keys besides `type`, `name` and `encode`; the first is needed, and `topic`. */
const keysOf: Readonly<Record<Type, readonly (keyof Written)[]>> = Object.freeze({
  file: ['path'],
  http: ['url', 'flavour', 'headers', 'ca'],
  kafka: ['brokers', 'topic', 'compression', 'ca'],
  otlp: ['url', 'protocol', 'compression', 'headers', 'ca'],
  syslog: ['address', 'format', 'ca'],
});

/** One row of `audit.sinks` as written and as parsed. */
export const sinkSection = written.transform((row, context): SinkOptions => guard(() => sinkOf(row), context));

/** @throws PosternError ERR_CONFIG_KEY, ERR_CONFIG_CONFLICT */
function sinkOf(row: Written): SinkOptions {
  refuseKeys(row);
  const { type, flavour = 'ndjson' } = row;
  const encode = row.encode ?? defaultEncoding(type, flavour);
  const shared = { name: row.name ?? type, encode };
  if (type === 'syslog') return { type, ...shared, address: row.address!, caFile: row.ca ?? null };
  if (type === 'kafka') return { type, ...shared, ...kafkaOf(row) };
  if (type === 'file') return { type, ...shared, path: row.path! };
  const target = { url: row.url!, headers: row.headers ?? {}, caFile: row.ca ?? null };
  if (type === 'otlp') return otlpSink(row, { ...shared, ...target });
  if (flavour === 'elastic' && (encode === 'cef' || encode === 'rfc5424')) {
    const mend = 'write `encode: ecs`, or another `flavour`';
    throw badValue(`\`flavour: elastic\` takes JSON, and \`encode: ${encode}\` is none`, mend, 'ERR_CONFIG_CONFLICT');
  }
  return { type, ...shared, ...target, flavour };
}

/** @throws PosternError ERR_CONFIG_KEY, ERR_CONFIG_CONFLICT */
function kafkaOf({
  brokers = [],
  topic,
  compression = 'gzip',
  ca,
}: Written): Omit<KafkaSink, 'type' | 'name' | 'encode'> {
  if (topic === undefined) throw keyError('`type: kafka` needs `topic`', 'add `topic:`');
  const isTls = brokers.every((broker) => broker.isTls);
  if (!isTls && brokers.some((broker) => broker.isTls)) {
    throw badValue(
      'some `brokers` are over TLS and some are not',
      'write `tcp://` before all or none',
      'ERR_CONFIG_CONFLICT',
    );
  }
  const addresses = brokers.map(({ host, port }) => ({ host, port }));
  return { brokers: addresses, isTls, topic, compression, caFile: ca ?? null };
}

function otlpSink(
  { protocol = 'protobuf', compression = 'gzip' }: Written,
  shared: Omit<OtlpSink, 'type' | 'protocol' | 'compression'>,
): OtlpSink {
  if (shared.encode === 'otlp') return { type: 'otlp', ...shared, protocol, compression };
  const mend = 'take `encode` out';
  throw badValue('`type: otlp` has an encoding of its own', mend, 'ERR_CONFIG_CONFLICT');
}

function defaultEncoding(type: Type, flavour: BulkFlavour): SinkEncoding {
  if (type === 'syslog') return 'rfc5424';
  if (type === 'otlp') return 'otlp';
  return type === 'http' && flavour === 'elastic' ? 'ecs' : 'native';
}

function refuseKeys(row: Written): void {
  const [needed, ...others] = keysOf[row.type];
  if (row[needed!] === undefined) throw keyError(`\`type: ${row.type}\` needs \`${needed}\``, `add \`${needed}:\``);
  const allowed = new Set<string>(['type', 'name', 'encode', needed!, ...others]);
  const wrong = Object.entries(row).find(([key, value]) => value !== undefined && !allowed.has(key))?.[0];
  if (wrong === undefined) return;
  throw keyError(`\`${wrong}\` is not of \`type: ${row.type}\``, `take \`${wrong}\` out`);
}

function keyError(message: string, mend: string): PosternError {
  return badValue(message, mend, 'ERR_CONFIG_KEY');
}
