// The requests that the load sends, as bytes made once. The path is the one that the policy's route matches.

const fields = [
  'host: ledger.internal',
  'user-agent: bench/1',
  'accept: application/json',
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'x-request-id: 5e0c8f6a-19c1-4d1c-9a58-0f3f4ad1c0de',
];

/** A small GET, as one service asks another. */
export const smallGet: Buffer = message('GET /accounts/42 HTTP/1.1', fields);

/** A GET that is answered with `byteCount` bytes. */
export function bulkGet(byteCount: number): Buffer {
  return message(`GET /bulk/${byteCount} HTTP/1.1`, fields);
}

/** The head of a POST whose body of `byteCount` bytes follows. */
export function bulkPost(byteCount: number): Buffer {
  return message('POST /bulk/in HTTP/1.1', [
    ...fields,
    'content-type: application/octet-stream',
    `content-length: ${byteCount}`,
  ]);
}

function message(requestLine: string, lines: readonly string[]): Buffer {
  return Buffer.from(`${[requestLine, ...lines].join('\r\n')}\r\n\r\n`, 'latin1');
}
