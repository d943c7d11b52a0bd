// Chains with revocation lists for x509-limbo's cases of CRLs (RFC 5280 §5), by the name of the case.

import { type Crl, parseCrl } from '../../src/identity/crl.ts';
import { der, encodeName, encodeTime, oid, signDer } from '../identity/certificate-encoder.ts';
import { hourMs, type Made, type Spec, usage } from '../identity/workshop.ts';
import { type Build, limboLeaf, limboRoot } from './limbo-chain.ts';

/** The CRL number extension: absent, or critical or not. */
type NumberForm = 'absent' | 'critical' | 'plain';

const someSerial = `40${'22'.repeat(15)}`;

/** A list of `issuer` that names the serials. */
function listOf(issuer: Made, serials: readonly string[], number: NumberForm = 'plain'): Crl {
  const now = Date.now();
  const rows = serials.map((serial) => der(0x30, der(0x02, Buffer.from(serial, 'hex')), encodeTime(now - 24 * hourMs)));
  const critical = number === 'critical' ? [der(0x01, Buffer.from([0xff]))] : [];
  const value = der(0x04, der(0x02, Buffer.from([1])));
  const extensions = number === 'absent' ? [] : [der(0xa0, der(0x30, der(0x30, oid('2.5.29.20'), ...critical, value)))];
  const bytes = signDer({ signingKey: issuer.keys.privateKey, digest: 'SHA-256' }, (algorithm) =>
    der(
      0x30,
      der(0x02, Buffer.from([1])),
      algorithm,
      encodeName(issuer.subject),
      encodeTime(now - hourMs),
      encodeTime(now + hourMs),
      ...(rows.length === 0 ? [] : [der(0x30, ...rows)]),
      ...extensions,
    ),
  );
  return parseCrl(bytes, 'a list of limbo');
}

/** A root with that specification, a leaf, and a list of the root that names another serial. */
function spared(root: Spec, number: NumberForm = 'plain'): Build {
  return async () => {
    const issuer = await limboRoot(root);
    const leaf = await limboLeaf(issuer);
    return { trusted: [issuer], via: [], leaf, crls: [listOf(issuer, [someSerial], number)] };
  };
}

export const crlChains: Readonly<Record<string, Build>> = {
  'crl::revoked-certificate-with-crl': async () => {
    const root = await limboRoot();
    const leaf = await limboLeaf(root);
    return { trusted: [root], via: [], leaf, crls: [listOf(root, [leaf.certificate.serialNumber])] };
  },
  'crl::crlnumber-missing': spared({}, 'absent'),
  'crl::certificate-not-on-crl': spared({}),
  'crl::certificate-serial-on-crl-different-issuer': async () => {
    const [root, other] = [await limboRoot(), await limboRoot({ subject: 'CN=Limbo root 2' })];
    const leaf = await limboLeaf(root);
    const crls = [listOf(root, []), listOf(other, [leaf.certificate.serialNumber])];
    return { trusted: [root, other], via: [], leaf, crls };
  },
  'crl::crlnumber-critical': spared({}, 'critical'),
  'crl::issuer-missing-crlsign': spared({ keyUsage: usage.keyCertSign }),
  'crl::issuer-no-keyusage-extension': spared({ keyUsage: null }),
  'crl::issuer-valid-crlsign-and-keycertsign': spared({ keyUsage: usage.keyCertSign | usage.cRLSign }),
};
