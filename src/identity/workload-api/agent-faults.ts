// Why a stream of the agent ended, in the words of an operator: what it means, and what to do about it.

import { type ErrorCode, PosternError } from '../../errors.ts';
import type { StreamEnd } from '../../grpc/stream-end.ts';
import { escapeText, shown } from '../shown-text.ts';

/** Reasons as metrics count them; a closed list. */
export type StreamFault =
  | 'unreachable'
  | 'unavailable'
  | 'permission_denied'
  | 'invalid_argument'
  | 'unimplemented'
  | 'protocol'
  | 'too_large'
  | 'stalled'
  | 'ended'
  | 'other';

/** Who asks, as the agent sees it, for the operator who writes the registration entry. */
export interface Caller {
  readonly pid: number;
  /** -1 where the system has no such thing. */
  readonly uid: number;
  readonly gid: number;
}

/** What is known of an end. `isFinal`: the standard says not to retry soon (SPIFFE_Workload_Endpoint Appendix A). */
export interface ExplainedFault {
  readonly fault: StreamFault;
  readonly error: PosternError;
  readonly isFinal: boolean;
}

/** The agent's address, the stream, and who asks. */
export interface FaultPlace {
  readonly agent: string;
  readonly stream: string;
  readonly caller: Caller;
}

/** The numbers are those of grpc-status; the names are ours. */
const statusFaults: ReadonlyMap<number, StreamFault> = new Map([
  [0, 'ended'],
  [3, 'invalid_argument'],
  [7, 'permission_denied'],
  [8, 'too_large'],
  [12, 'unimplemented'],
  [14, 'unavailable'],
]);

/** An end that the agent or the system gave. */
export function explainEnd(end: StreamEnd, place: FaultPlace): ExplainedFault {
  const { agent } = place;
  switch (end.kind) {
    case 'status':
      return explainStatus(end, place);
    case 'unreachable':
      return unreachable(end.code, agent);
    case 'lost':
      return explained('ended', 'ERR_WORKLOAD_API_UNREACHABLE', `${agent} closed the connection (${end.code})`);
    case 'not-grpc':
      return explained('protocol', 'ERR_WORKLOAD_API_ANSWER', `${agent} ${end.what}`);
    case 'too-large': {
      const what = `${agent} sent a message of ${end.bytes} bytes; the most is ${end.mostBytes}`;
      return explained('too_large', 'ERR_WORKLOAD_API_ANSWER', what, 'serve fewer SVIDs and federated bundles');
    }
  }
}

/** An end that Postern made because nothing came. */
export function explainStall(afterMs: number, { agent, stream }: FaultPlace): ExplainedFault {
  const what = `${agent} took the request for ${stream} and sent nothing for ${afterMs} ms`;
  return explained('stalled', 'ERR_WORKLOAD_API_STALLED', what);
}

function explainStatus(end: StreamEnd & { kind: 'status' }, place: FaultPlace): ExplainedFault {
  const { agent, stream } = place;
  const fault = statusFaults.get(end.code) ?? 'other';
  const said = end.message === '' ? '' : `: ${escapeText(end.message.slice(0, 200))}`;
  if (fault === 'ended') return explained(fault, 'ERR_WORKLOAD_API_UNREACHABLE', `${agent} ended the stream ${stream}`);
  if (fault === 'permission_denied') return denied(said, place);
  if (fault === 'unavailable')
    return explained(fault, 'ERR_WORKLOAD_API_UNREACHABLE', `${agent} is not ready (UNAVAILABLE${said})`);
  const what = `${agent} refused ${stream} with gRPC status ${end.code}${said}`;
  const isFinal = fault === 'invalid_argument' || fault === 'unimplemented';
  return { ...explained(fault, 'ERR_WORKLOAD_API_REFUSED', what), isFinal };
}

function denied(said: string, { agent, stream, caller }: FaultPlace): ExplainedFault {
  const { pid, uid, gid } = caller;
  const what = `${agent} has no identity for this process (pid ${pid}, uid ${uid}, gid ${gid}) on ${stream}: PERMISSION_DENIED${said}`;
  return explained('permission_denied', 'ERR_WORKLOAD_API_DENIED', what);
}

const unreachableMends: ReadonlyMap<string, readonly [what: string, mend: string]> = new Map([
  ['ENOENT', ['does not exist', 'start the agent, or mount its socket (SPIFFE CSI driver); Postern waits for it']],
  ['ECONNREFUSED', ['is there, but nobody listens', 'start the agent; Postern waits for it']],
  [
    'EACCES',
    ['may not be opened by the user Postern runs as', 'let that user write to the socket and enter its folders'],
  ],
  ['ENOTSOCK', ['is not a socket', 'correct identity.workload_api.socket or SPIFFE_ENDPOINT_SOCKET']],
]);

function unreachable(code: string, agent: string): ExplainedFault {
  const [what, mend] = unreachableMends.get(code) ?? [`cannot be reached (${code})`, undefined];
  return explained('unreachable', 'ERR_WORKLOAD_API_UNREACHABLE', `${agent} ${what}`, mend);
}

function explained(fault: StreamFault, code: ErrorCode, what: string, mend?: string): ExplainedFault {
  const error = new PosternError(code, what, mend === undefined ? {} : { mend });
  return { fault, error, isFinal: false };
}

/** How an address of an agent stands in messages. */
export function agentName(address: string): string {
  return `the Workload API at ${shown(address)}`;
}
