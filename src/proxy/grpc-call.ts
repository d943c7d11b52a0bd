// HOT PATH (npm run bench -- --only h2). Which requests are calls of gRPC, and of what: policy sees service and method, never a mere path
// (policy.md 1.9).

import type { Action } from '../authz/model.ts';
import { mayBeGrpc } from '../wire/grpc-type.ts';
import type { RequestHead } from '../wire/http1-message.ts';

export interface GrpcCall {
  /** With its package. */
  readonly service: string;
  readonly method: string;
}

/** True for a caller who reads `grpc-status`: `application/grpc`, with its message format behind `+` or parameters behind `;`. */
export function isGrpcType(contentType: string | undefined): boolean {
  if (contentType === undefined || !contentType.toLowerCase().startsWith('application/grpc')) return false;
  const next = contentType[16];
  return next === undefined || next === '+' || next === ';' || next === ' ';
}

/** The call that a request with this canonical path is, or null. Some servers take any method, so any is one here. */
export function grpcCallOf(head: RequestHead, path: string): GrpcCall | null {
  if (!mayBeGrpc(head.fields)) return null;
  const slash = path.indexOf('/', 1);
  if (slash <= 1 || slash === path.length - 1 || path.includes('/', slash + 1)) return null;
  return { service: path.slice(1, slash), method: path.slice(slash + 1) };
}

const noProperties: ReadonlyMap<string, unknown> = new Map();

/** The actions of `action: auto`: a call reads or writes only where a route says so. */
export function actionsOfCall({ service, method }: GrpcCall): readonly Action[] {
  const names = Object.freeze(['call', `grpc:/${service}/${method}`]);
  return Object.freeze([Object.freeze({ name: 'call', names, protocol: 'grpc' as const, properties: noProperties })]);
}
