import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { firstLine, type RunningProcess, startNode } from '../../bench/child-process.ts';
import { bulkGet, smallGet } from '../../bench/load/requests.ts';

const entry = fileURLToPath(new URL('../../bench/workload.ts', import.meta.url));

describe('the workload of the benches', () => {
  let running: RunningProcess;
  let port = 0;

  before(async () => {
    running = startNode(entry, [], null);
    port = Number(await firstLine(running));
  });

  after(() => running.stop());

  /** Sends `pieces` one after the other and returns the body of the answer. */
  async function ask(pieces: readonly (string | Buffer)[]): Promise<string> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
    });
    for (const piece of pieces) await new Promise((sent) => socket.write(piece, () => setImmediate(sent)));
    while (!/\r\n\r\n/.test(text) || text.length < wholeLength(text)) await once(socket, 'data');
    socket.destroy();
    return text.slice(text.indexOf('\r\n\r\n') + 4);
  }

  function wholeLength(text: string): number {
    return text.indexOf('\r\n\r\n') + 4 + Number(/content-length: (\d+)/.exec(text)?.[1] ?? 0);
  }

  async function count(): Promise<number> {
    return Number(await ask(['GET /count HTTP/1.1\r\nhost: a\r\n\r\n']));
  }

  for (const { name, pieces } of [
    { name: 'a small GET', pieces: [smallGet] },
    { name: 'a head in two pieces', pieces: [smallGet.subarray(0, 20), smallGet.subarray(20)] },
    { name: 'a body with a length', pieces: ['POST /x HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc', 'def'] },
    { name: 'a chunked body', pieces: ['POST /x HTTP/1.1\r\n', '\r\n3\r\nabc\r\n0\r\n', '\r', '\n'] },
  ]) {
    it(`answers ${name} and counts it once`, async () => {
      const earlier = await count();
      assert.match(await ask(pieces), /"account"/);
      assert.equal(await count(), earlier + 1);
    });
  }

  it('sends as many bytes as asked for', async () => {
    assert.equal((await ask([bulkGet(1_000_001)])).length, 1_000_001);
  });
});
