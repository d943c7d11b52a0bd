// Conversations after the groups of the Autobahn test suite (framing, pings, reserved bits, opcodes, fragments, UTF-8,
// closing, sizes, compression), as data: the frames that a caller sends, and the code with which an echo server must close.

import { deflateRawSync, constants as zlib } from 'node:zlib';

export interface WebSocketCase {
  /** Group of Autobahn's and what is done. */
  readonly name: string;
  /** Each is written by itself, so that it arrives by itself if it can. None after a fault: the server may answer it with a reset. */
  readonly pieces: readonly Buffer[];
  /** Close code of the server's last frame; null: it ends without a code. */
  readonly endsWith: number | null;
  readonly deflate?: true;
}

interface FrameBits {
  readonly fin?: boolean;
  /** The three reserved bits, RSV1 being 4. */
  readonly rsv?: number;
  readonly masked?: boolean;
}

const opcodes = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** One frame of a client (RFC 6455 §5.2). */
export function frame(opcode: number, payload: string | Buffer = '', bits: FrameBits = {}): Buffer {
  const { fin = true, rsv = 0, masked = true } = bits;
  const bytes = Buffer.from(payload as string, 'utf8');
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const size = bytes.length < 126 ? 0 : bytes.length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + size);
  head[0] = first;
  head[1] = (masked ? 0x80 : 0) | (size === 0 ? bytes.length : size === 2 ? 126 : 127);
  if (size === 2) head.writeUInt16BE(bytes.length, 2);
  if (size === 8) head.writeBigUInt64BE(BigInt(bytes.length), 2);
  return masked
    ? Buffer.concat([head, mask, bytes.map((octet, at) => octet ^ mask[at % 4]!)])
    : Buffer.concat([head, bytes]);
}

/** The payload of a close frame. */
function closing(code: number, reason: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as string)]);
}

const { more, text, binary, close, ping, pong } = opcodes;
const goodbye = frame(close, closing(1000));

function inPieces(bytes: Buffer, size: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}

function good(name: string, ...pieces: readonly Buffer[]): WebSocketCase {
  return { name, pieces: [...pieces, goodbye], endsWith: 1000 };
}

function bad(name: string, endsWith: number, ...pieces: readonly Buffer[]): WebSocketCase {
  return { name, pieces, endsWith };
}

const sizes = [0, 1, 125, 126, 127, 128, 65_535, 65_536];
const framing = [text, binary].flatMap((opcode) => [
  ...sizes.map((size) => good(`1 a message of ${size} octets, opcode ${opcode}`, frame(opcode, '*'.repeat(size)))),
  good(`1 65,536 octets in pieces of 997, opcode ${opcode}`, ...inPieces(frame(opcode, '*'.repeat(65_536)), 997)),
]);

const pings = [
  good('2 an empty ping', frame(ping)),
  good('2 a ping of text', frame(ping, 'Hello, world!')),
  good('2 a ping of octets that are no text', frame(ping, Buffer.from([0, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0, 0xff]))),
  good('2 a ping of 125 octets', frame(ping, Buffer.alloc(125, 0xfe))),
  bad('2 a ping of 126 octets', 1002, frame(ping, Buffer.alloc(126, 0xfe))),
  good('2 a ping octet by octet', ...inPieces(frame(ping, Buffer.alloc(125, 0xfe)), 1)),
  good('2 a pong that nobody asked for', frame(pong, 'unsolicited'), frame(ping, 'then a ping')),
  good('2 ten pings at once', Buffer.concat(Array.from({ length: 10 }, (_, at) => frame(ping, `payload-${at}`)))),
];

const reserved = [
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv) => bad(`3 reserved bits ${rsv}`, 1002, frame(text, 'x', { rsv }))),
  bad('3 reserved bits of a ping', 1002, frame(ping, 'x', { rsv: 4 })),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => bad(`4 opcode ${opcode}`, 1002, frame(opcode, 'x'))),
  bad('4 a reserved opcode behind a message', 1002, frame(text, 'Hello'), frame(5)),
  bad('4 a frame without a mask', 1002, frame(text, 'x', { masked: false })),
];

const part = { fin: false } as const;
const fragments = [
  bad('5 a ping in fragments', 1002, frame(ping, 'a', part)),
  bad('5 a pong in fragments', 1002, frame(pong, 'a', part)),
  good('5 text in two fragments', frame(text, 'fragment1', part), frame(more, 'fragment2')),
  good('5 a ping between fragments', frame(text, 'a', part), frame(ping, 'ping payload'), frame(more, 'b')),
  good('5 all in one write', Buffer.concat([frame(text, 'a', part), frame(ping, 'p'), frame(more, 'b')])),
  good('5 octet by octet', ...inPieces(Buffer.concat([frame(text, 'a', part), frame(more, 'b')]), 1)),
  good('5 empty fragments', frame(text, '', part), frame(more, '', part), frame(more, '')),
  bad('5 a continuation of nothing', 1002, frame(more, 'x')),
  bad('5 a continuation behind a whole message', 1002, frame(text, 'a'), frame(more, 'b')),
  bad('5 a message within another', 1002, frame(text, 'a', part), frame(text, 'b')),
  good(
    '5 five fragments with pings between',
    ...[0, 1, 2, 3].flatMap((at) => [frame(at === 0 ? text : more, `${at}`, part), frame(ping, `p${at}`)]),
    frame(more, '4'),
  ),
];

const word = Buffer.from('Hello-µ@ßöäüàá-UTF-8!! κόσμε 🌍', 'utf8');
/** After Kuhn's list: what no decoder may take. */
const noText = [
  [0x80],
  [0xc0, 0xaf],
  [0xc1, 0xbf],
  [0xe0, 0x80, 0xaf],
  [0xe0, 0x9f, 0xbf],
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
  [0xf0, 0x80, 0x80, 0xaf],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xfe],
  [0xff],
  [0xe2, 0x82],
];
const unicode = [
  good('6 text beyond ASCII', frame(text, word)),
  good('6 cut within characters', frame(text, word.subarray(0, 7), part), frame(more, word.subarray(7))),
  good(
    '6 a character a fragment',
    ...[...word].map((octet, at) =>
      frame(at === 0 ? text : more, Buffer.from([octet]), { fin: at === word.length - 1 }),
    ),
  ),
  good('6 noncharacters', frame(text, '\ufffe\uffff\u{1fffe}\u{10ffff}')),
  ...noText.map((octets) => bad(`6 ${Buffer.from(octets).toString('hex')}`, 1007, frame(text, Buffer.from(octets)))),
  bad('6 a bad octet in a later fragment', 1007, frame(text, word, part), frame(more, Buffer.from([0xff]))),
];

const closes = [
  { name: '7 a close without a code', pieces: [frame(close)], endsWith: null },
  bad('7 a close of one octet', 1002, frame(close, 'x')),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((code) =>
    bad(`7 close with ${code}`, code, frame(close, closing(code))),
  ),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) =>
    bad(`7 close with ${code}, which nobody may send`, 1002, frame(close, closing(code))),
  ),
  bad('7 close with a reason of 123 octets', 1000, frame(close, closing(1000, '*'.repeat(123)))),
  bad('7 close with a reason of 124 octets', 1002, frame(close, closing(1000, '*'.repeat(124)))),
  bad('7 close with a reason that is no text', 1007, frame(close, closing(1000, Buffer.from([0xce, 0xff])))),
  bad('7 a message behind the close', 1000, Buffer.concat([goodbye, frame(text, 'too late')])),
  bad('7 a ping behind the close', 1000, Buffer.concat([goodbye, frame(ping, 'too late')])),
  bad('7 a close between fragments', 1000, frame(text, 'a', part), goodbye),
];

const octets = Buffer.from(Array.from({ length: 1024 }, (_, at) => (at * 131) % 256));
const large = Buffer.alloc(1_048_576, octets);
const bulk = [
  good('9 a message of 1 MiB', frame(binary, large)),
  good(
    '9 1 MiB in fragments of 4 KiB',
    ...inPieces(large, 4096).map((piece, at, all) =>
      frame(at === 0 ? binary : more, piece, { fin: at === all.length - 1 }),
    ),
  ),
];

function deflated(payload: Buffer): Buffer {
  // RFC 7692 §7.2.1: without the four octets of the empty block at the end.
  return deflateRawSync(payload, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4);
}

const compressed: readonly WebSocketCase[] = [
  good('12 compressed text', frame(text, deflated(Buffer.from('Hello '.repeat(50))), { rsv: 4 })),
  good('12 a compressed message of 64 KiB', frame(binary, deflated(large.subarray(0, 65_536)), { rsv: 4 })),
  good(
    '12 a compressed message in fragments',
    ...inPieces(deflated(Buffer.from('fragments '.repeat(99))), 20).map((piece, at, all) =>
      frame(at === 0 ? text : more, piece, { rsv: at === 0 ? 4 : 0, fin: at === all.length - 1 }),
    ),
  ),
  good('12 a message that is not compressed', frame(text, 'as it is')),
  bad('12 octets that are no deflate', 1007, frame(text, Buffer.from([0xff, 0xff, 0xff]), { rsv: 4 })),
].map((one) => ({ ...one, deflate: true }));

export const websocketCases: readonly WebSocketCase[] = [
  ...framing,
  ...pings,
  ...reserved,
  ...fragments,
  ...unicode,
  ...closes,
  ...bulk,
  ...compressed,
];
