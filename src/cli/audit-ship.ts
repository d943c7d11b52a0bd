// `postern audit ship`: a process of its own that takes the journal to a receiver, so that nothing of it slows a decision.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { encoders, encodingNames } from '../audit/encode/encoders.ts';
import { type BulkFlavour, bulkFlavours, bulkForm } from '../audit/sinks/bulk-format.ts';
import { BulkPost, type BulkTarget } from '../audit/sinks/bulk-post.ts';
import { HttpReceiver } from '../audit/sinks/http-receiver.ts';
import { cursorName, ShipCursor } from '../audit/sinks/ship-cursor.ts';
import { type ShipOptions, Shipper } from '../audit/sinks/shipper.ts';
import { PosternError } from '../errors.ts';
import { Backoff } from '../lib/backoff.ts';
import { systemClock } from '../lib/clock.ts';
import { printable } from '../lib/printable-text.ts';
import { parseChoice } from './audit-inputs.ts';
import type { CliIo } from './cli-io.ts';
import { addExamples } from './program.ts';

interface ShipFlags {
  readonly journal: string;
  readonly url: string;
  readonly flavour: string;
  readonly encode: string;
  readonly name: string;
  readonly authorizationFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly once?: true;
}

const encodings = ['native', ...encodingNames] as const;
/** Elasticsearch takes JSON objects alone. */
const noObjects: readonly string[] = ['cef', 'rfc5424'];
const timeoutMs = 30_000;
const backoff = { firstMs: 500, mostMs: 30_000, random: Math.random };

/** Adds `ship` to `postern audit`. */
export function registerShip(audit: Command, io: CliIo): void {
  const command = audit
    .command('ship')
    .description('Deliver the journal to a receiver over HTTP, each record at least once, until interrupted.')
    .requiredOption('--journal <dir>', 'folder of the journal (`audit.journal.dir`)')
    .requiredOption('--url <url>', 'where to POST: `https://es:9200/postern/_bulk`')
    .option('--flavour <name>', `how the receiver takes many records: ${bulkFlavours.join(', ')}`, 'ndjson')
    .option('--encode <name>', `one of ${encodings.join(', ')}`, 'ecs')
    .option('--name <name>', 'names what was delivered, in `cursors` of the journal; one for each receiver', 'default')
    .option('--authorization-file <file>', 'file with the value of the `authorization` field')
    .option('--ca <file>', 'PEM of the CAs to believe, in place of those of the system')
    .option('--cert <file>', 'PEM of the own certificate, such as the own SVID')
    .option('--key <file>', 'PEM of its key')
    .option('--once', 'end when everything is delivered')
    .action((flags: ShipFlags) => runShip(flags, io));
  addExamples(command, [
    [
      'postern audit ship --journal DIR --url https://es:9200/postern/_bulk --flavour elastic --name es',
      'to Elasticsearch; a record that comes twice is taken once',
    ],
    [
      'postern audit ship --journal DIR --url https://splunk:8088/services/collector/event --flavour splunk_hec --authorization-file token --name splunk',
      'to Splunk; the file holds `Splunk 12345678-…`',
    ],
  ]);
}

async function runShip(flags: ShipFlags, io: CliIo): Promise<void> {
  const options = shipOptions(flags, io);
  const post = await BulkPost.open(() => targetOf(flags, io), systemClock);
  const receiver = new HttpReceiver(post, bulkForm(flavourOf(flags)));
  const cursor = await ShipCursor.open(options.dir, flags.name);
  // Nothing here aborts: an interrupt ends the process, and the next one goes on where the cursor is.
  const { signal } = new AbortController();
  const onTrouble = (text: string): void => io.err(`postern: ${printable(text)}; trying again\n`);
  const shipper = new Shipper(options, {
    cursor,
    receiver,
    signal,
    onTrouble,
    clock: systemClock,
    backoff: new Backoff(backoff),
  });
  try {
    await shipper.run();
    const { delivered, refused, retries } = shipper.counts;
    io.err(`postern: ${delivered} records delivered, ${refused} refused, ${retries} retries\n`);
  } finally {
    cursor.close();
    receiver.close();
  }
}

function shipOptions(flags: ShipFlags, io: CliIo): ShipOptions {
  const flavour = flavourOf(flags);
  const encoding = parseChoice(flags.encode, '--encode', encodings);
  if (flavour === 'elastic' && noObjects.includes(encoding)) {
    throw new PosternError('ERR_USAGE', `--flavour elastic takes JSON, and --encode ${encoding} is none`);
  }
  if (!cursorName.test(flags.name)) {
    throw new PosternError('ERR_USAGE', '--name is not made of 1 to 64 of `a-z`, `0-9`, `-` and `_`');
  }
  const encode = encoding === 'native' ? null : encoders[encoding];
  return { dir: resolve(io.cwd, flags.journal), encode, follow: flags.once !== true, everyMs: 500 };
}

function flavourOf(flags: ShipFlags): BulkFlavour {
  return parseChoice(flags.flavour, '--flavour', bulkFlavours);
}

async function targetOf(flags: ShipFlags, io: CliIo): Promise<BulkTarget> {
  const url = URL.parse(flags.url);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    const mend = 'write `https://host:port/path`; secrets go into --authorization-file';
    throw new PosternError('ERR_USAGE', '--url is no http or https address without user and password', { mend });
  }
  const authorization = await textOf(flags.authorizationFile, '--authorization-file', io);
  if (authorization !== undefined && !/^[\x21-\x7e][\x20-\x7e]*$/.test(authorization.trim())) {
    throw new PosternError('ERR_USAGE', 'the file of --authorization-file does not hold one line of printable ASCII');
  }
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization: authorization.trim() };
  const [ca, cert, key] = [
    await textOf(flags.ca, '--ca', io),
    await textOf(flags.cert, '--cert', io),
    await textOf(flags.key, '--key', io),
  ];
  return { url, headers, tls: { ca, cert, key }, timeoutMs };
}

async function textOf(file: string | undefined, option: string, io: CliIo): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(resolve(io.cwd, file), 'utf8');
  } catch (cause) {
    throw new PosternError('ERR_USAGE', `the file of ${option} cannot be read`, { cause });
  }
}
