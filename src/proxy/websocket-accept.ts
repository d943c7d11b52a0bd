// What a workload proves that it read the handshake with (RFC 6455 §4.2.2). SHA-1 is the protocol's choice; no secret
// hangs on it.

import { createHash } from 'node:crypto';
import type { RequestHead } from '../wire/http1-message.ts';

/** RFC 6455 §1.3 */
const salt = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The Sec-WebSocket-Accept of a 101 that answers this handshake; null where the request is none. */
export function expectedAccept(head: RequestHead): string | null {
  if (head.upgrade === null) return null;
  const key = head.fields.get('sec-websocket-key')!;
  return createHash('sha1')
    .update(key + salt)
    .digest('base64');
}
