// The import rules of the source tree as data: who may import whom, what a folder may not name, and why.

/** What a folder of src/ may import from the other folders; src/errors.ts and src/lib are open to all. */
export interface FolderRule {
  readonly folder: string;
  readonly mayImport: readonly string[];
  /** Of these, only types: `import type`. */
  readonly typesOnly: readonly string[];
  readonly reason: string;
}

/** Source text that is not allowed but in some files. */
export interface Ban {
  readonly pattern: RegExp;
  /** The files it holds for. */
  readonly within: RegExp;
  readonly except: RegExp;
  readonly reason: string;
}

const leaf = 'a leaf: whoever reads it needs to know no other part';

export const folderRules: readonly FolderRule[] = [
  { folder: 'lib', mayImport: [], typesOnly: [], reason: 'all import it, so it imports nothing of ours' },
  { folder: 'grpc', mayImport: [], typesOnly: [], reason: leaf },
  {
    folder: 'identity',
    mayImport: ['grpc'],
    typesOnly: ['grpc'],
    reason: `${leaf}; it is given the call that opens a stream of an agent`,
  },
  {
    folder: 'federation',
    mayImport: ['identity'],
    typesOnly: [],
    reason: 'it fetches and serves bundles; who uses them is not its business',
  },
  { folder: 'wire', mayImport: [], typesOnly: [], reason: `${leaf}, and testable byte by byte` },
  { folder: 'telemetry', mayImport: [], typesOnly: [], reason: leaf },
  { folder: 'kubernetes', mayImport: [], typesOnly: [], reason: leaf },
  {
    folder: 'authz',
    mayImport: ['identity'],
    typesOnly: [],
    reason: 'policy knows identities, not sockets, records or configuration',
  },
  {
    folder: 'audit',
    mayImport: ['identity', 'authz'],
    typesOnly: ['identity', 'authz'],
    reason: 'a record is made of data; it calls nothing that decides',
  },
  {
    folder: 'proxy',
    mayImport: ['identity', 'authz', 'audit', 'wire', 'telemetry'],
    typesOnly: ['authz', 'audit'],
    reason: 'the proxy is given `authorize` and `record`; it can neither decide nor write by itself',
  },
  {
    folder: 'admin',
    mayImport: ['identity', 'authz', 'audit', 'wire', 'telemetry', 'proxy'],
    typesOnly: [],
    reason: 'it declares the views it needs; the composition root passes them in',
  },
  { folder: 'inventory', mayImport: ['identity', 'audit'], typesOnly: [], reason: 'it reads the journal' },
  {
    folder: 'fleet',
    mayImport: ['inventory', 'authz', 'identity'],
    typesOnly: [],
    reason: 'it serves many sidecars and is none',
  },
  {
    folder: 'runtime',
    mayImport: [
      'grpc',
      'identity',
      'federation',
      'authz',
      'audit',
      'wire',
      'telemetry',
      'proxy',
      'admin',
      'inventory',
      'fleet',
      'config',
    ],
    typesOnly: [],
    reason: 'the composition root: it builds every part, and is asked by the command line alone',
  },
  {
    folder: 'workers',
    mayImport: ['identity', 'authz', 'audit', 'telemetry', 'proxy', 'admin', 'runtime', 'config'],
    typesOnly: ['authz', 'proxy'],
    reason: 'it starts, asks and ends processes that each are a sidecar; what one does is not its business',
  },
  {
    folder: 'config',
    mayImport: [
      'identity',
      'federation',
      'authz',
      'audit',
      'wire',
      'telemetry',
      'proxy',
      'admin',
      'inventory',
      'fleet',
      'kubernetes',
    ],
    typesOnly: [],
    reason: 'modules own their options; the configuration takes them, never the other way',
  },
];

/** Contracts: types with the few constants that belong to them, open to all who may import types. */
export const contractFiles: readonly string[] = ['src/authz/model.ts', 'src/audit/decision-event.ts'];

/** Built-in modules that a folder may use; a folder that is not listed may use any. */
export const builtinRules: readonly {
  readonly folder: string;
  readonly may: readonly string[];
  readonly reason: string;
}[] = [
  { folder: 'wire', may: ['node:buffer'], reason: 'pure: bytes in, events out; no sockets, files or timers' },
  {
    folder: 'authz',
    may: ['node:buffer', 'node:crypto', 'node:net', 'node:fs', 'node:fs/promises', 'node:path'],
    reason: 'decides in memory; only its loader reads files',
  },
];

// Each of these has a loop of its own with the outside: it starts the timer, unrefs it and clears it in `close()`.
const timerFiles =
  /^src\/(?:lib\/(?:clock|file-watch|quiet-collection|timer-wheel)|identity\/(?:(?:dev-ca|files)-source|workload-api\/(?:agent-stream|overdue-watch)|tokens\/remote-keys)|federation\/(?:bundle-server|crl-watch|endpoint-poll)|audit\/(?:group-commit|paced-writer|recorder|retention|sync-pacer)|admin\/admin-server|(?:runtime|workers|demo|cli)\/[a-z-]+)\.ts$/;

export const bans: readonly Ban[] = [
  {
    pattern: /\bprocess\.(?:env|argv)\b/,
    within: /^src\//,
    except: /^src\/(?:config|cli)\//,
    reason: 'the outside world is read in one place, so that a file of configuration says all',
  },
  {
    pattern: /\b(?:Date\.now\(|new Date\(\))/,
    within: /^src\//,
    except: /^src\/lib\/clock\.ts$/,
    reason: 'wall time comes in as a Clock, so that a test can move it',
  },
  {
    pattern: /\bperformance\.now\(/,
    within: /^src\//,
    // The proxy measures its own steps on the hot path, where a call through an interface would show in the bench;
    // drain and demo wait for real sockets and processes.
    except: /^src\/(?:lib\/clock\.ts$|proxy\/|runtime\/drain\.ts$|demo\/)/,
    reason: 'monotonic time comes in as a Clock, so that a test can move it',
  },
  {
    pattern: /\bset(?:Timeout|Interval)\(/,
    within: /^src\//,
    except: timerFiles,
    reason: 'timers belong to few files, which own and end them; add the file to `timerFiles` if it is one of these',
  },
  {
    pattern: /\bfrom 'node:fs(?:\/promises)?'/,
    within: /^src\/authz\//,
    except: /^src\/authz\/(?:[a-z-]*load[a-z-]*|[a-z-]*files?)\.ts$/,
    reason: 'policy is in memory when it is asked; only the loader reads files',
  },
  {
    pattern: /\bfrom 'node:(?:https?|http2|tls|dgram)'/,
    within: /^src\/(?:authz|audit|identity|telemetry|lib)\//,
    except: /^src\/audit\/sinks?\//,
    reason: 'only the proxy, the admin API and the sinks hold sockets',
  },
];
