// The supervisor's end: one worker process. A call ends with its answer, with the end of the worker, or when its time is
// over; whichever comes first.

import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import type { Readable } from 'node:stream';
import { PosternError } from '../errors.ts';
import { faultOf } from './fault-data.ts';
import type { AnswerMessage, CallAnswer, CallArgument, CallMessage, CallName } from './worker-calls.ts';

/** How a worker ended. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class WorkerProcess {
  readonly number: number;
  readonly exited: Promise<WorkerExit>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #gone = false;

  /** Starts `entry` with the flags of this process. Standard error is ours, standard output comes as a stream. */
  constructor(number: number, entry: string) {
    this.number = number;
    this.#child = fork(entry, [], { serialization: 'advanced', stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    this.#child.on('message', (message) => this.#take(message as unknown as AnswerMessage));
    const { promise, resolve } = Promise.withResolvers<WorkerExit>();
    const over = (exit: WorkerExit): void => {
      this.#gone = true;
      for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(this.#isGone());
      resolve(exit);
    };
    // Its last answers may come after its end.
    const drained = new Promise<void>((done) => this.#child.once('disconnect', done));
    this.#child.once('exit', (code, signal) => void drained.then(() => over({ code, signal })));
    // Could not be started at all, or not be told something; the latter is heard of by the call.
    this.#child.on('error', () => this.#child.pid === undefined && over({ code: null, signal: null }));
    this.exited = promise;
  }

  /** It has ended. */
  get isGone(): boolean {
    return this.#gone;
  }

  /** It can be asked nothing any more, and ends or has ended. */
  get isLeaving(): boolean {
    return !this.#child.connected;
  }

  get stdout(): Readable {
    return this.#child.stdout!;
  }

  /** @throws PosternError what the worker throws; ERR_WORKER where it is gone or does not answer in time */
  ask<K extends CallName>(name: K, argument: CallArgument<K>, patienceMs: number): Promise<CallAnswer<K>> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#gone || !this.#child.connected) return Promise.reject(this.#isGone());
    const id = ++this.#lastId;
    const timer = setTimeout(() => this.#settle(id)?.reject(this.#isSilent(name, patienceMs)), patienceMs);
    this.#waiting.set(id, { resolve, reject, timer });
    const message: CallMessage = { id, name, argument };
    this.#child.send(message as unknown as Serializable, (error) => {
      if (error !== null) this.#settle(id)?.reject(this.#isGone());
    });
    return promise as Promise<CallAnswer<K>>;
  }

  /** Ends it whatever it does. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #take(message: AnswerMessage): void {
    const waiting = this.#settle(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(faultOf(message.fault));
  }

  /** Undefined for an answer that nobody waits for any more. */
  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }

  #isGone(): PosternError {
    return new PosternError('ERR_WORKER', `worker ${this.number} has ended`);
  }

  #isSilent(name: CallName, patienceMs: number): PosternError {
    return new PosternError('ERR_WORKER', `worker ${this.number} did not answer \`${name}\` within ${patienceMs} ms`);
  }
}
