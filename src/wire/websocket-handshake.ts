// The opening handshake of WebSocket (RFC 6455 §4): asked for whole or not at all, and confirmed for this very key. A
// tunnel that only one side believes in is a way past every decision.

import type { FieldList } from './field-list.ts';
import type { ResponseHead } from './http1-message.ts';
import { shownBytes, WireFault } from './wire-fault.ts';

/** What both heads of a handshake say of the hop, since what came was dropped. */
export const upgradeLines = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';

/** 16 octets in base64; the last digit before the padding has four bits that say nothing. */
const keyPattern = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** The parts of a request that a handshake is made of. */
export interface AskedUpgrade {
  readonly method: string;
  readonly minorVersion: 0 | 1;
  readonly fields: FieldList;
  /** It has a body, even an empty one. */
  readonly hasBody: boolean;
}

/**
 * Whether a request whose Connection says `upgrade` opens a WebSocket: null where it asks for something else, which is
 * ignored (RFC 9110 §7.8), and a fault where it asks for WebSocket in any other form than that of RFC 6455 §4.1.
 */
export function readUpgrade(request: AskedUpgrade): 'websocket' | null | WireFault {
  const { fields } = request;
  const protocols = fields.getAll('upgrade').join(',').toLowerCase();
  if (request.minorVersion === 0 || !protocols.includes('websocket')) return null;
  if (protocols !== 'websocket') return bad(`Upgrade that is not one \`websocket\`: ${shownBytes(protocols)}`);
  if (request.method !== 'GET') return bad('a WebSocket handshake that is not a GET');
  if (request.hasBody) return bad('a WebSocket handshake with a body');
  if (fields.getSingle('sec-websocket-version') !== '13') return bad('Sec-WebSocket-Version that is not one `13`');
  if (!keyPattern.test(fields.getSingle('sec-websocket-key') ?? '')) return bad('no single valid Sec-WebSocket-Key');
  return 'websocket';
}

/** Whether a 101 switches to what was asked for, and is no more than a head (RFC 9110 §15.2.2, RFC 6455 §4.1). */
export function confirmsUpgrade(head: ResponseHead, accept: string): boolean {
  const { fields } = head;
  return (
    head.upgrades &&
    head.minorVersion === 1 &&
    fields.getSingle('upgrade')?.toLowerCase() === 'websocket' &&
    fields.getSingle('sec-websocket-accept') === accept &&
    fields.get('content-length') === undefined &&
    fields.get('transfer-encoding') === undefined
  );
}

function bad(what: string): WireFault {
  return new WireFault('ERR_WIRE_UPGRADE_INVALID', what);
}
