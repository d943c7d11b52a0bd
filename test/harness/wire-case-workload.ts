// The workload of the strictness table: keeps what it received, answers whole requests, or does what a case scripts.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WorkloadScript } from '../wire-cases/wire-case.ts';
import type { RecordedConnection, RecordingWorkload } from './recording-workload.ts';
import { type ReadMessage, readRequests, valuesOf } from './strict-reader.ts';
import { waitFor } from './wait-for.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n';

export class WireCaseWorkload {
  readonly #recording: RecordingWorkload;
  readonly #answered = new Map<RecordedConnection, number>();
  #script: WorkloadScript | null = null;
  /** Scripts under way. */
  #playing = 0;
  /** Where the script was played. */
  #stages: RecordedConnection[] = [];

  constructor(recording: RecordingWorkload) {
    this.#recording = recording;
    recording.behave = (connection) => this.#behave(connection);
  }

  /** Forgets what was received; the next case has this script. */
  begin(script: WorkloadScript | null): void {
    this.#recording.forget();
    this.#answered.clear();
    this.#script = script;
    this.#stages = [];
  }

  /** Waits until the script was played to its end. */
  async finished(): Promise<void> {
    await waitFor('the script of the workload', () => this.#stages.length > 0 && this.#playing === 0);
  }

  /** Whether each connection that carried the case was ended by the sidecar. */
  get isDropped(): boolean {
    return this.#stages.every((stage) => stage.socket.readableEnded || stage.socket.destroyed);
  }

  /** What was received since `begin` but requests for `leftOut`: whole requests, each once, and what broke off. */
  received(leftOut: string): { readonly seen: ReadMessage[]; readonly unfinished: ReadMessage[] } {
    const all = this.#recording.connections
      .flatMap((connection) => readRequests(connection.bytes.toString('latin1')))
      .filter((message) => message.startLine.split(' ')[1] !== leftOut);
    const once = new Map(
      all.filter((one) => one.isWhole).map((one) => [valuesOf(one, 'x-postern-decision-id')[0], one]),
    );
    return { seen: [...once.values()], unfinished: all.filter((message) => !message.isWhole) };
  }

  #behave(connection: RecordedConnection): void {
    const messages = readOrNone(connection.bytes.toString('latin1'));
    const done = this.#answered.get(connection) ?? 0;
    const early = this.#script?.isEarly === true;
    const ready = messages.filter((message) => message.isWhole || (early && message.fields.length > 0));
    if (ready.length <= done) return;
    this.#answered.set(connection, ready.length);
    for (const message of ready.slice(done)) this.#answer(connection, message);
  }

  #answer(connection: RecordedConnection, message: ReadMessage): void {
    const [method, target] = message.startLine.split(' ');
    if (this.#script !== null && target !== '/good') void this.#play(connection, this.#script);
    else connection.socket.write(method === 'HEAD' ? ok : `${ok}ok`);
  }

  async #play(connection: RecordedConnection, script: WorkloadScript): Promise<void> {
    this.#playing++;
    this.#stages.push(connection);
    for (const text of script.writes) {
      connection.socket.write(text, 'latin1');
      await nextTurn();
    }
    if (script.afterwards === 'close') connection.socket.end();
    if (script.afterwards === 'reset') connection.socket.resetAndDestroy();
    this.#playing--;
  }
}

/** What cannot be read gets no answer here; `received` says what is wrong with it. */
function readOrNone(bytes: string): ReadMessage[] {
  try {
    return readRequests(bytes);
  } catch {
    return [];
  }
}
