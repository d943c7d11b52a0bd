import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { issue, makeCertificates } from '../../bench/certificates.ts';
import { type Contestant, enter, openStage, type Stage } from '../../bench/lineup.ts';
import { envoy } from '../../bench/peers/envoy.ts';
import { haproxy } from '../../bench/peers/haproxy.ts';
import { nginx } from '../../bench/peers/nginx.ts';
import { postern } from '../../bench/peers/postern.ts';
import { nodeHttps, tcpRelay } from '../../bench/peers/reference.ts';

/** PEM files of a caller. */
interface Credential {
  readonly cert: string;
  readonly key: string;
}

describe('peers of the benches', () => {
  let stage: Stage;

  before(async () => {
    stage = await openStage({ proxy: null, load: null, workload: null });
  });

  after(() => stage.close());

  for (const peer of [postern, nginx, haproxy, envoy, nodeHttps, tcpRelay]) {
    describe(peer.name, { skip: peer.version() === null ? 'not installed' : false }, () => {
      let contestant: Contestant;

      before(async () => {
        contestant = await enter(stage, peer);
      });

      after(() => contestant.stop());

      it('lets the authorized caller through, with TLS 1.3', async () => {
        assert.match(await ask(contestant, stage.certificates.caller), /^TLSv1.3 HTTP\/1.1 200 .*"account"/s);
      });

      it('refuses a caller without a certificate', async () => {
        assert.doesNotMatch(await ask(contestant, undefined), / 200 /);
      });

      it('refuses a certificate of another CA', async () => {
        const dir = join(stage.dir, `foreign-${peer.name}`);
        mkdirSync(dir);
        assert.doesNotMatch(await ask(contestant, makeCertificates(dir).caller), / 200 /);
      });

      it('refuses another identity of the same CA', { skip: peer === tcpRelay }, async () => {
        const stranger = issue(stage.dir, { name: 'stranger', id: 'spiffe://prod.acme.com/ns/payments/web' });
        assert.match(await ask(contestant, stranger), / 403 /);
      });
    });
  }

  /** TLS version and answer to one GET, or the error's code. */
  function ask(contestant: Contestant, credential: Credential | undefined): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect({
        host: contestant.target.host,
        port: contestant.target.port,
        ca: readFileSync(stage.certificates.ca),
        ...(credential && { cert: readFileSync(credential.cert), key: readFileSync(credential.key) }),
        checkServerIdentity: () => undefined,
      });
      let text = '';
      socket.on('secureConnect', () => {
        text = `${socket.getProtocol()} `;
        socket.write('GET /accounts/42 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
      });
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        if (text.includes('"account"')) socket.destroy();
      });
      socket.on('error', (error) => resolve(`${text} ${error.message}`));
      socket.on('close', () => resolve(text));
    });
  }
});
