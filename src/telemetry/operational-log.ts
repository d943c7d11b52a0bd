// The operational log: one JSON object a line on standard error, for those who run Postern. Decisions are not here but in
// the journal. A reader who stops reading must not stop the proxy, nor keep it from ending: what
// finds no room is dropped and counted.

import { type Logger, pino } from 'pino';
import type { Clock } from '../lib/clock.ts';
import type { TimerWheel } from '../lib/timer-wheel.ts';
import { cleanFields, cleanText } from './clean-fields.ts';
import type { LogFigures } from './figures.ts';
import { LineGate } from './line-gate.ts';
import { openLineOutput } from './line-output.ts';
import { LineWriter } from './line-writer.ts';

/** From most to least talkative; each holds those after it. */
export const logLevels = Object.freeze(['debug', 'info', 'warn', 'error'] as const);
export type LogLevel = (typeof logLevels)[number];

/** Facts beside a message; cleaned before they are written. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes lines. The message is constant text; what varies goes into the fields. */
export interface LogLines {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** The log of the process. */
export interface OperationalLog extends LogLines {
  readonly level: LogLevel;
  setLevel(level: LogLevel): void;
  /**
   * Lines of one kind, at most `perSecond` each second; how many were held back is told at the end of the second. The
   * first call for a key sets its rate.
   */
  sampled(key: string, perSecond: number): LogLines;
  figures(): LogFigures;
  /** Writes what waits, for at most one second. */
  close(): Promise<void>;
}

export interface OperationalLogOptions {
  readonly level: LogLevel;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** File descriptor. Default 2. */
  readonly fd: number;
  /** Which of several workers writes, as a field of each line. */
  readonly worker?: number;
}

const closePatienceMs = 1_000;
/** Kinds of lines that have a gate of their own. */
const mostGates = 64;

export function createOperationalLog(options: OperationalLogOptions): OperationalLog {
  return new PinoLog(options);
}

class PinoLog implements OperationalLog {
  readonly #options: OperationalLogOptions;
  readonly #writer: LineWriter;
  readonly #pino: Logger;
  readonly #gates = new Map<string, LineGate>();
  readonly #sampled = new Map<string, LogLines>();
  #suppressed = 0;

  constructor(options: OperationalLogOptions) {
    this.#options = options;
    // Not pino's own destination: its exit handler waits for a reader that is gone, without end (pino 10.4).
    this.#writer = new LineWriter(openLineOutput(options.fd), options.wheel);
    this.#pino = pino(
      {
        level: options.level,
        base: options.worker === undefined ? null : { worker: options.worker },
        messageKey: 'message',
        timestamp: () => `,"time":"${new Date(options.clock.nowMs()).toISOString()}"`,
        formatters: { level: (level) => ({ level }) },
        serializers: { err: (value: unknown) => value },
      },
      { write: (line) => this.#writer.write(line) },
    );
  }

  get level(): LogLevel {
    return this.#pino.level as LogLevel;
  }

  setLevel(level: LogLevel): void {
    if (!logLevels.includes(level)) throw new TypeError(`\`${level}\` is not a log level`);
    this.#pino.level = level;
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  sampled(key: string, perSecond: number): LogLines {
    const name = this.#gates.has(key) || this.#gates.size < mostGates ? key : 'other';
    let lines = this.#sampled.get(name);
    if (lines === undefined) {
      lines = this.#gated(this.#gate(name, perSecond));
      this.#sampled.set(name, lines);
    }
    return lines;
  }

  figures(): LogFigures {
    return { suppressed: this.#suppressed, dropped: this.#writer.dropped };
  }

  async close(): Promise<void> {
    for (const gate of this.#gates.values()) gate.flush();
    await this.#writer.close(closePatienceMs);
  }

  #gate(key: string, perSecond: number): LineGate {
    const gate = new LineGate({
      wheel: this.#options.wheel,
      perSecond,
      onSuppressed: (count) => {
        this.#suppressed += count;
        this.warn('lines of the log were held back', { kind: key, count });
      },
    });
    this.#gates.set(key, gate);
    return gate;
  }

  #gated(gate: LineGate): LogLines {
    const write = (level: LogLevel, message: string, fields?: LogFields): void => {
      // A line that its level hides must not use up the rate.
      if (this.#pino.isLevelEnabled(level) && gate.pass()) this.#write(level, message, fields);
    };
    return Object.freeze({
      debug: (message: string, fields?: LogFields) => write('debug', message, fields),
      info: (message: string, fields?: LogFields) => write('info', message, fields),
      warn: (message: string, fields?: LogFields) => write('warn', message, fields),
      error: (message: string, fields?: LogFields) => write('error', message, fields),
    });
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (!this.#pino.isLevelEnabled(level)) return;
    this.#pino[level](fields === undefined ? {} : cleanFields(fields), cleanText(message));
  }
}
