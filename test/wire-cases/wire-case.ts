// One case of the strictness table: bytes that a caller or a workload sends, and what must come of them. Text is latin1,
// one character an octet.

/** Which listener of the sidecar the bytes go to; they differ in one option each. */
export type CaseListener = 'reject' | 'canonicalize' | 'parameters';

export type Expectation =
  /** The caller gets this status and the end of the connection; not one octet reaches the workload. */
  | { readonly kind: 'refused'; readonly status: number }
  /**
   * The workload gets exactly these requests, without the fields that Postern adds; `next` is the status of what follows
   * them, where something does. See `shownMessage` for the form.
   */
  | { readonly kind: 'forwarded'; readonly requests: readonly string[]; readonly next?: number }
  /** The caller gets these statuses in order, a 403 for each denial; the workload gets exactly these requests. */
  | {
      readonly kind: 'judged';
      readonly statuses: readonly number[];
      readonly requests: readonly string[];
      readonly closes: boolean;
    }
  /**
   * The workload gets the head, or nothing yet, and never the end of the message; the caller gets this status. Null: 400
   * or the end of the connection, by which came first.
   */
  | { readonly kind: 'cut'; readonly head: string; readonly status: number | null }
  /**
   * The caller gets exactly this answer, and before it this many interim ones. `dropsWorkload`: the connection to the
   * workload is ended, since more came on it than was asked for.
   */
  | {
      readonly kind: 'answered';
      readonly answer: string;
      readonly interims?: number;
      /** Requests that get this answer, each; default 1. */
      readonly count?: number;
      readonly dropsWorkload?: boolean;
    }
  /** The caller gets the head of an answer and never its end: the connection is cut. */
  | { readonly kind: 'answer-cut'; readonly head: string }
  /** The answer was not fit to be passed on: the caller gets a 502. */
  | { readonly kind: 'answer-refused' };

/** What the workload does with the request of a case. */
export interface WorkloadScript {
  /** Written one after the other, each in a turn of the loop of its own. */
  readonly writes: readonly string[];
  readonly afterwards: 'keep' | 'close' | 'reset';
  /** Answers at the head, before the body came. */
  readonly isEarly?: boolean;
}

export interface WireCase {
  /** What is special in the bytes. */
  readonly name: string;
  /** The rule or the incident it comes from. */
  readonly source: string;
  /** Default `reject`. */
  readonly listener?: CaseListener;
  /** Pieces are written in turns of their own. */
  readonly send: string | readonly string[];
  /** The caller closes its side after the last piece. */
  readonly halfCloses?: boolean;
  /** Server name that the caller asks for. */
  readonly serverName?: string;
  /** Common name and DNS name of the caller's certificate, beside its SPIFFE ID. */
  readonly certificateNames?: { readonly commonName: string; readonly dns?: string };
  /** Without it the workload answers 200 to each whole request. */
  readonly workload?: WorkloadScript;
  /** Values of fields that Postern adds, where the case is about them. */
  readonly added?: Readonly<Record<string, string>>;
  /** Members of the decision record, where the case is about them. */
  readonly recorded?: Readonly<Record<string, unknown>>;
  readonly expect: Expectation;
}

/** A class of cases, and its paragraph in docs/strictness.md. */
export interface WireCaseClass {
  readonly title: string;
  readonly about: string;
  readonly cases: readonly WireCase[];
}

/** Text as a code span of Markdown, for names. */
export function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** Refused before anything is forwarded. */
export function refused(status = 400): Expectation {
  return { kind: 'refused', status };
}

/** Denied by policy; by default the connection goes on. */
export function denied(closes = false): Expectation {
  return { kind: 'judged', statuses: [403], requests: [], closes };
}

/** Forwarded as these requests. */
export function forwarded(...requests: readonly string[]): Expectation {
  return { kind: 'forwarded', requests };
}

/** Forwarded as these requests; what follows them is refused. */
export function forwardedThen(status: number, ...requests: readonly string[]): Expectation {
  return { kind: 'forwarded', requests, next: status };
}

/** What the workload answers to a request, by default a GET and on a connection that it keeps. */
export function answerCase(
  one: Pick<WireCase, 'name' | 'source' | 'expect'> & {
    readonly writes: readonly string[];
    readonly afterwards?: WorkloadScript['afterwards'];
    readonly send?: string;
  },
): WireCase {
  const { writes, afterwards = 'keep', send = 'GET /x HTTP/1.1\r\nHost: a\r\n\r\n', ...rest } = one;
  return { ...rest, send, workload: { writes, afterwards } };
}

/** Forwarded in part; what reached the workload never looks whole. */
export function cut(head: string, status: number | null = 400): Expectation {
  return { kind: 'cut', head, status };
}
