// Files that hold certificates, keys and bundles: PEM and the JSON of a SPIFFE bundle. Each is what an operator or an agent
// wrote, and may be half written.

import assert from 'node:assert/strict';
import { isPosternError } from '../../../src/errors.ts';
import { certificatesFromPem, pemBlocks } from '../../../src/identity/pem.ts';
import { privateKeyFromPem } from '../../../src/identity/private-key.ts';
import { parseTrustBundle } from '../../../src/identity/trust-bundle.ts';
import { TrustDomain } from '../../../src/identity/trust-domain.ts';
import { parseX509Svid } from '../../../src/identity/x509-svid.ts';
import type { FuzzTarget } from '../engine/fuzz-target.ts';
import { pemOf, seedCertificates, seedKeyPem } from './seed-certificates.ts';

const trustDomain = TrustDomain.parse('prod.acme.com');
const [leafPem, caPem] = seedCertificates.map(({ raw }) => pemOf(raw)) as [string, string];
const x5c = seedCertificates[1]!.raw.toString('base64');
const nowMs = Date.now();

/** The fuzzing of identity files. */
export const identityFiles: FuzzTarget = {
  name: 'identity-files',
  promise: 'a file is read whole or refused with a code, a mend, and nothing of a key in the message',
  covers: ['src/identity'],
  seeds: [
    leafPem,
    caPem,
    seedKeyPem,
    `# chain\n${leafPem}${caPem}`,
    leafPem + seedKeyPem,
    `{"keys":[{"use":"x509-svid","kty":"EC","x5c":["${x5c}"]}],"spiffe_sequence":1,"spiffe_refresh_hint":300}`,
  ],
  dictionary: [
    ...[
      '-----BEGIN CERTIFICATE-----\n',
      '-----END CERTIFICATE-----\n',
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\n',
      '-----',
    ],
    ...[
      '-----BEGIN PRIVATE KEY-----\n',
      'Proc-Type: 4,ENCRYPTED\n',
      '\n',
      '\r\n',
      '\0',
      '=',
      '==',
      '{',
      '}',
      '[',
      ']',
      '"',
    ],
    ...[
      '"keys"',
      '"x5c"',
      '"use":"jwt-svid"',
      '"kid"',
      'null',
      '1e999',
      '[]',
      '{}',
      '"__proto__":{}',
      '\\u0000',
      leafPem,
    ],
  ],
  check: checkFile,
};

function checkFile(text: string): void {
  const keyFile = 'tls.key';
  assert.ok(pemBlocks(text).every((block) => text.includes(block.text)));
  onlyCoded(() => certificatesFromPem(text, { file: 'tls.crt', code: 'ERR_SVID_CERTIFICATE' }), text);
  onlyCoded(() => privateKeyFromPem(text, { file: keyFile, code: 'ERR_SVID_KEY' }), text);
  onlyCoded(() => parseTrustBundle({ text, file: 'bundle', trustDomain }), text);
  onlyCoded(() => parseX509Svid({ certFile: 'tls.crt', keyFile, certPem: text, keyPem: seedKeyPem, nowMs }), text);
  onlyCoded(() => parseX509Svid({ certFile: 'tls.crt', keyFile, certPem: leafPem, keyPem: text, nowMs }), text);
}

function onlyCoded(read: () => unknown, text: string): void {
  try {
    read();
  } catch (error) {
    assert.ok(isPosternError(error), `an error without a code: ${String(error)}`);
    assert.doesNotMatch(error.message, /[\r\n\0]/, 'a message of several lines');
    for (const line of text.split('\n')) {
      if (line.length > 60) assert.ok(!error.message.includes(line), 'a line of the file is in the message');
    }
  }
}
