// What a command sees of the process: streams, environment, colour and the exit code. Commands get it as a parameter, so
// that tests run them without a process.

import type { Readable, Writable } from 'node:stream';
import { PosternError } from '../errors.ts';
import { createPaint, type Paint } from '../lib/paint.ts';
import type { ExitCode } from './exit-codes.ts';

export interface CliIo {
  /** Writes to stdout as it stands; add the line end. */
  out(text: string): void;
  /** Writes to stderr as it stands; add the line end. */
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that relative paths on the command line are meant from. */
  readonly cwd: string;
  /** True where stdout is a terminal. */
  readonly isTerminal: boolean;
  /** For stdout. */
  readonly paint: Paint;
  /**
   * The whole of stdin as text.
   * @throws PosternError ERR_CLI_INPUT above 16 MiB or where it is not UTF-8
   */
  readStdin(): Promise<string>;
  /** stdin as it comes, for commands that answer line by line. */
  readonly stdin: Readable;
  /** Sets what the process ends with; the last call wins, the default is 0. */
  setExitCode(code: ExitCode): void;
}

/** Most that `readStdin` takes, bytes. */
const longestStdinBytes = 16 * 1024 * 1024;

/** Colour only on a terminal, and never where NO_COLOR is set (no-color.org) or the terminal is dumb. */
export function wantsColour(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

/** What `processIo` needs of a process. */
export interface ProcessLike {
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable;
  readonly stdin: Readable;
  readonly env: Readonly<Record<string, string | undefined>>;
  cwd(): string;
  exitCode?: number | string | null | undefined;
}

/** The real thing. A reader that goes away (`| head`) ends the output quietly. */
export function processIo(host: ProcessLike): CliIo {
  const isTerminal = host.stdout.isTTY === true;
  host.stdout.on('error', ignoreClosedPipe);
  host.stderr.on('error', ignoreClosedPipe);
  return {
    out: (text) => void host.stdout.write(text),
    err: (text) => void host.stderr.write(text),
    env: host.env,
    get cwd() {
      return workingDirectory(host);
    },
    isTerminal,
    paint: createPaint(wantsColour(isTerminal, host.env)),
    readStdin: () => readAll(host.stdin),
    get stdin() {
      return host.stdin;
    },
    setExitCode: (code) => {
      host.exitCode = code;
    },
  };
}

/** Asked for where a path is relative, so that `--help` works anywhere. */
function workingDirectory(host: ProcessLike): string {
  try {
    return host.cwd();
  } catch (cause) {
    const mend = 'change to a directory that exists';
    throw new PosternError('ERR_USAGE', 'the working directory is gone', { cause, mend });
  }
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

async function readAll(stdin: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stdin) {
    const buffer = Buffer.from(piece as Uint8Array | string);
    bytes += buffer.length;
    if (bytes > longestStdinBytes) {
      throw new PosternError('ERR_CLI_INPUT', `stdin holds more than ${longestStdinBytes / 2 ** 20} MiB`);
    }
    pieces.push(buffer);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
  } catch (cause) {
    throw new PosternError('ERR_CLI_INPUT', 'stdin is not UTF-8 text', { cause });
  }
}
