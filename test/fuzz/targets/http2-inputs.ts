// Sessions of HTTP/2 to begin with, and changes that leave frames whole. The first octet says whom the rest is sent to.

import { flags, frame, getBlock, postBlock, types, uint32 } from '../../wire/http2/session-probe.ts';
import { type MutationSource, mutate } from '../engine/mutation.ts';

const { headers, data, settings } = types;
const { endStream, endHeaders, padded, priority } = flags;
const begun = frame(settings, 0, 0);
const smallWindow = frame(settings, 0, 0, `\0\x04${uint32(3)}`);

/** What callers send. */
const sentByCallers: readonly string[] = [
  begun + frame(headers, endHeaders | endStream, 1, getBlock),
  begun +
    frame(headers, endHeaders, 1, postBlock) +
    frame(data, padded, 1, '\x02abc\0\0') +
    frame(data, endStream, 1, 'd'),
  begun +
    frame(headers, priority, 1, `${uint32(0)}\x10${postBlock.slice(0, 2)}`) +
    frame(types.continuation, endHeaders, 1, `${postBlock.slice(2)}\x0f\x0d\x013`) +
    frame(data, 0, 1, 'abc') +
    frame(headers, endHeaders | endStream, 1, '\x40\x03x-t\x011'),
  `${smallWindow}${frame(headers, 5, 1, getBlock)}${frame(types.window, 0, 1, uint32(4))}${frame(types.window, 0, 0, uint32(9))}`,
  begun + frame(headers, 5, 1, `${getBlock}\x40\x01a\x01b`) + frame(headers, 5, 3, `${getBlock}\xbe`),
  begun + frame(headers, 4, 1, postBlock) + frame(types.rst, 0, 1, uint32(8)) + frame(headers, 5, 3, getBlock),
  begun +
    frame(
      headers,
      4,
      1,
      '\x02\x07CONNECT\x87\x84\x01\x01a\x40\x09:protocol\x09websocket\0\x15sec-websocket-version\x0213',
    ),
  frame(settings, 0, 0, `\0\x01${uint32(0)}\0\x03${uint32(1)}`) +
    frame(types.ping, 0, 0, '12345678') +
    frame(settings, 1, 0),
  begun + frame(types.priority, 0, 1, `${uint32(3)}\x10`) + frame(types.goaway, 0, 0, uint32(0) + uint32(0)),
];

/** What a workload sends, to three requests that wait. */
const sentByWorkloads: readonly string[] = [
  begun + frame(headers, endHeaders, 1, '\x88') + frame(data, endStream, 1, 'answer') + frame(headers, 5, 3, '\x8d'),
  begun +
    frame(headers, endHeaders, 1, '\x08\x03103') +
    frame(headers, endHeaders, 1, '\x88\x0f\x0d\x012') +
    frame(data, 0, 1, 'ab') +
    frame(headers, 5, 1, '\x40\x0bgrpc-status\x010'),
  begun + frame(types.goaway, 0, 0, uint32(1) + uint32(0)) + frame(types.rst, 0, 5, uint32(7)),
  frame(settings, 0, 0, `\0\x03${uint32(0)}\0\x04${uint32(0)}`) + frame(types.window, 0, 5, uint32(40)),
];

/** Bits of the first octet. */
export const forms = { toClient: 1, answers: 2, readsNothing: 4, smallWindow: 8 } as const;

const withForms = (sessions: readonly string[], bit: number): string[] =>
  sessions.flatMap((text) =>
    [0, forms.answers, forms.readsNothing | forms.smallWindow].map((form) => chr(form | bit) + text),
  );

/** All seeds. */
export const http2Seeds: readonly string[] = [
  ...withForms(sentByCallers, 0),
  ...withForms(sentByWorkloads, forms.toClient),
];

/** Fields in every coding, whole frames, and numbers about a limit. */
export const http2Tokens: readonly string[] = [
  ...['\x82', '\x83', '\x84', '\x87', '\x88', '\xbe', '\x20', '\x3f\xe1\x1f', '\x3f\xe2\x1f', '\xff\xff\xff\xff\x7f'],
  ...['\0\x01a\x01b', '\x40\x01a\x01b', '\x10\x01a\0', '\0\x04host\x01b', '\0\x02te\x08trailers', '\0\x01a\x03b\r\n'],
  ...['\x04\x02//', '\x04\x01*', '\x04\x03/%2', '\x01\x03a@b', '\0\x0econtent-length\x013', '\0\x07upgrade\x03h2c'],
  ...['\0\x11transfer-encoding\x07chunked', '\0\x0fx_postern-peer!\x01f', '\0\x0dx-postern-peer\x01f', '\0\x01A\x01b'],
  ...[uint32(0), uint32(1), uint32(0x7fff_ffff), uint32(0xffff_ffff), '\0\x04\x7f\xff\xff\xff', '\0\x05\0\0\x40\0'],
  begun,
  frame(types.window, 0, 0, uint32(0x7fff_0000)),
  frame(headers, 5, 7, getBlock),
  frame(data, endStream, 1),
  frame(types.rst, 0, 1, uint32(8)),
  frame(settings, 0, 0, `\0\x04${uint32(0)}`),
  frame(settings, 0, 0, `\0\x04${uint32(70_000)}`),
];

/** Enough to meet every limit; longer ones take time and show nothing more. */
const mostOctets = 48 * 1024;

/** Frames stay frames: one is changed within, and told its new length; or moved, doubled, dropped, put in. */
export function mutateFrames(input: string, source: MutationSource): string {
  const { random } = source;
  const frames = framesOf(input.slice(1));
  const at = random.below(frames.length);
  const form = random.oneIn(8) ? chr(random.below(16)) : input.slice(0, 1);
  const picked = frames[at];
  if (picked === undefined) return form + random.pick(source.dictionary);
  const changes: readonly (() => unknown)[] = [
    () => frames.splice(at, 1, framed(picked, mutate(picked.slice(9), source))),
    () => frames.splice(at, 1, framed(picked, mutate(picked.slice(9), source))),
    () => frames.splice(at, 1, replaced(picked, random.pick([3, 4]), random.below(random.pick([11, 256])))),
    () => frames.splice(at, 1, replaced(picked, 8, random.below(10))),
    () => frames.splice(at, 1),
    () => frames.splice(random.below(frames.length + 1), 0, picked),
    () => frames.splice(random.below(frames.length + 1), 0, random.pick(framesOf(source.other().slice(1))) ?? ''),
    () => frames.push(...Array.from({ length: random.pick([10, 250]) }, () => picked)),
  ];
  for (let times = random.below(3); times >= 0; times--) random.pick(changes)();
  return form + frames.join('').slice(0, mostOctets);
}

function framesOf(text: string): string[] {
  const frames: string[] = [];
  for (let at = 0; at < text.length; ) {
    const length = 9 + ((text.charCodeAt(at) << 16) | (text.charCodeAt(at + 1) << 8) | text.charCodeAt(at + 2));
    frames.push(text.slice(at, at + length));
    at += length;
  }
  return frames;
}

function framed(old: string, payload: string): string {
  const length = payload.length;
  return chr(length >> 16) + chr((length >> 8) & 255) + chr(length & 255) + old.slice(3, 9) + payload;
}

function replaced(text: string, at: number, octet: number): string {
  return text.slice(0, at) + chr(octet) + text.slice(at + 1);
}

function chr(octet: number): string {
  return String.fromCharCode(octet);
}
