// HOT PATH (npm run bench -- --only h2). Content that a server of gRPC may take for a call. They differ in what they look at: one reads the first
// Content-Type, one any of them, one only how it begins. What any of them takes for a call is one to us.

import type { FieldList } from './field-list.ts';

/** Whether any Content-Type is `application/grpc`, whatever follows (gRPC-Web too). */
export function mayBeGrpc({ keys, values }: FieldList): boolean {
  for (let at = keys.indexOf('content-type'); at >= 0; at = keys.indexOf('content-type', at + 1)) {
    if (values[at]!.toLowerCase().startsWith('application/grpc')) return true;
  }
  return false;
}
