// Chains for x509-limbo's cases of path building and certificate fields, by the name of the case.

import { X509Certificate } from 'node:crypto';
import { der } from '../identity/certificate-encoder.ts';
import {
  ecKeys,
  hourMs,
  type Made,
  makeCa,
  rawExtension,
  rsaKeys,
  unknownExtension,
  usage,
} from '../identity/workshop.ts';
import { type Build, lifetime, limboCa, limboLeaf, limboRoot, line } from './limbo-chain.ts';
import { clientId, dns, withNames } from './limbo-names.ts';

const day = 24 * hourMs;
const now = Date.now();
const past = { notBeforeMs: now - 2 * day, notAfterMs: now - day };
const long = { notBeforeMs: now - 2 * day, notAfterMs: now + day };
const aia = (critical: boolean) =>
  rawExtension(
    '1.3.6.1.5.5.7.1.1',
    critical,
    der(0x30, der(0x30, der(0x06, Buffer.from([0x2b, 6, 1, 5, 5, 7, 48, 2])), dns('example.com'))),
  );
const keyIdOf = (made: { keys: Made['keys'] }) =>
  made.keys.publicKey.export({ type: 'spki', format: 'der' }).subarray(-20);
const policyConstraints = rawExtension('2.5.29.36', false, der(0x30, der(0x80, Buffer.from([3]))));
const noBasicConstraints = { isCa: null };
const noKeyCertSign = { keyUsage: usage.cRLSign };

export const pathChains: Readonly<Record<string, Build>> = {
  'pathlen::ee-with-intermediate-pathlen-0': line({}, [{ pathLength: 0 }]),
  'pathlen::ee-with-intermediate-pathlen-1': line({}, [{ pathLength: 1 }]),
  'pathlen::ee-with-intermediate-pathlen-2': line({}, [{ pathLength: 2 }]),
  'pathlen::validation-ignores-pathlen-in-leaf': async () => {
    const root = await limboRoot();
    const first = await limboCa(root, 'CN=Limbo CA 0', { pathLength: 0 });
    const leaf = await limboCa(first, 'CN=Limbo CA 1', { pathLength: 0, uris: [clientId] });
    return { trusted: [root], via: [first], leaf };
  },
  'pathlen::intermediate-violates-pathlen-0': line({}, [{ pathLength: 0 }, { pathLength: 0 }]),
  'pathlen::intermediate-pathlen-may-increase': line({}, [{ pathLength: 1 }, { pathLength: 2 }]),
  'pathlen::intermediate-pathlen-too-long': line({}, [{ pathLength: 1 }, { pathLength: 0 }, { pathLength: 0 }]),
  'pathlen::self-issued-certs-pathlen': line({}, [
    { pathLength: 1, subject: 'CN=Twice' },
    { pathLength: 1, subject: 'CN=Twice' },
    { pathLength: 0 },
  ]),
  'rfc5280::ee-empty-issuer': line({}, [], { issuerName: '' }),
  'rfc5280::ca-empty-subject': line({ subject: '' }, []),
  'rfc5280::unknown-critical-extension-ee': line({}, [], { extensions: [unknownExtension(true)] }),
  'rfc5280::unknown-critical-extension-root': line({ extensions: [unknownExtension(true)] }, []),
  'rfc5280::unknown-critical-extension-intermediate': line({}, [{ extensions: [unknownExtension(true)] }]),
  'rfc5280::unknown-critical-extension-unrelated-root': async () => {
    const unrelated = await limboRoot({ subject: 'CN=Unrelated', extensions: [unknownExtension(true)] });
    const chain = await line({}, [])();
    return { ...chain, trusted: [...chain.trusted, unrelated] };
  },
  'rfc5280::unknown-critical-extension-unrelated-intermediate': async () => {
    const chain = await line({}, [{ pathLength: 0 }])();
    const unrelated = await limboCa(chain.trusted[0]!, 'CN=Unrelated', { extensions: [unknownExtension(true)] });
    return { ...chain, via: [...chain.via, unrelated] };
  },
  'rfc5280::chain-untrusted-root': async () => {
    const chain = await line({}, [{ pathLength: 0 }])();
    return { ...chain, trusted: [await limboRoot({ subject: 'CN=Unrelated' })], via: [...chain.via, ...chain.trusted] };
  },
  'rfc5280::intermediate-ca-without-ca-bit': line({}, [{ isCa: false }]),
  'rfc5280::intermediate-ca-missing-basic-constraints': line({}, [noBasicConstraints]),
  'rfc5280::root-non-critical-basic-constraints': line(
    { isCa: null, extensions: [rawExtension('2.5.29.19', false, der(0x30, der(0x01, Buffer.from([0xff]))))] },
    [],
  ),
  'rfc5280::root-inconsistent-ca-extensions': line(noKeyCertSign, []),
  'rfc5280::ica-ku-keycertsign': line({}, [{ pathLength: 0, ...noKeyCertSign }]),
  'rfc5280::leaf-ku-keycertsign': line({}, [], { keyUsage: usage.digitalSignature | usage.keyCertSign }),
  'rfc5280::ee-aia': line({}, [], { extensions: [aia(false)] }),
  'rfc5280::ee-critical-aia-invalid': line({}, [], { extensions: [aia(true)] }),
  'webpki::malformed-aia': line({}, [], {
    extensions: [rawExtension('1.3.6.1.5.5.7.1.1', false, Buffer.from('malformed'))],
  }),
  'rfc5280::duplicate-extensions': line({}, [], {
    extensions: [rawExtension('2.5.29.17', false, der(0x30, der(0x86, clientId)))],
  }),
  'rfc5280::no-keyusage': line({}, [], { keyUsage: null }),
  'rfc5280::no-basicconstraints': line({}, [], noBasicConstraints),
  'rfc5280::mismatching-signature-algorithm': async () => {
    const chain = await line({}, [])();
    const raw = Buffer.from(chain.leaf.certificate.raw);
    const ecdsaSha256 = Buffer.from('06082a8648ce3d040302', 'hex');
    // Last of the two: the outer one becomes ecdsa-with-SHA384.
    raw[raw.lastIndexOf(ecdsaSha256) + ecdsaSha256.length - 1] = 0x03;
    const certificate = new X509Certificate(raw);
    return { ...chain, leaf: { ...chain.leaf, certificate, pem: certificate.toString() } };
  },
  'rfc5280::ca-as-leaf': line({}, [], { isCa: true, keyUsage: usage.keyCertSign, purposes: null }),
  'webpki::ee-basicconstraints-ca': line({}, [], { isCa: true }),
  'rfc5280::root-and-intermediate-swapped': async () => {
    const chain = await line({}, [{}])();
    return { ...chain, trusted: chain.via, via: chain.trusted };
  },
  'rfc5280::aki::critical-aki': async () => {
    const keys = ecKeys();
    const value = der(0x30, der(0x80, keyIdOf({ keys })));
    const root = await limboRoot({
      keys,
      authorityKeyId: false,
      extensions: [rawExtension('2.5.29.35', true, value)],
    });
    return { trusted: [root], via: [], leaf: await limboLeaf(root) };
  },
  'rfc5280::aki::leaf-missing-aki': line({}, [], { authorityKeyId: false }),
  'rfc5280::aki::intermediate-missing-aki': line({}, [{ authorityKeyId: false }]),
  'rfc5280::aki::self-signed-root-missing-aki': line({ authorityKeyId: false }, []),
  'rfc5280::aki::cross-signed-root-missing-aki': async () => {
    const signer = await limboRoot({ subject: 'CN=Signer' });
    const root = await limboCa(signer, 'CN=Limbo root', { pathLength: 0, authorityKeyId: false });
    return { trusted: [root], via: [], leaf: await limboLeaf(root) };
  },
  'rfc5280::ski::critical-ski': async () => {
    const keys = ecKeys();
    const root = await limboRoot({
      keys,
      subjectKeyId: false,
      authorityKeyId: false,
      extensions: [rawExtension('2.5.29.14', true, der(0x04, keyIdOf({ keys })))],
    });
    return { trusted: [root], via: [], leaf: await limboLeaf(root, { authorityKeyId: false }) };
  },
  'rfc5280::ski::root-missing-ski': line({ subjectKeyId: false, authorityKeyId: false }, []),
  'rfc5280::ski::intermediate-missing-ski': line({}, [{ subjectKeyId: false }]),
  'rfc5280::eku::ee-wrong-eku': line({}, [], { purposes: ['1.3.6.1.5.5.7.3.1'] }),
  'rfc5280::eku::ee-without-eku': line({}, [], { purposes: null }),
  'rfc5280::eku::ee-eku-empty': line({}, [], {
    purposes: null,
    extensions: [rawExtension('2.5.29.37', false, der(0x30))],
  }),
  'webpki::eku::ee-anyeku': line({}, [], { purposes: ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0'] }),
  'webpki::eku::ee-critical-eku': line({}, [], {
    purposes: null,
    extensions: [rawExtension('2.5.29.37', true, der(0x30, der(0x06, Buffer.from([0x2b, 6, 1, 5, 5, 7, 3, 2]))))],
  }),
  'webpki::eku::root-has-eku': line({ purposes: ['1.3.6.1.5.5.7.3.2'] }, []),
  'rfc5280::pc::ica-noncritical-pc': line({}, [{ extensions: [policyConstraints] }]),
  'rfc5280::san::malformed': line({}, [], { sanDer: Buffer.from(clientId) }),
  'rfc5280::san::noncritical-with-empty-subject': line({}, [], { subject: '' }),
  'rfc5280::san::underscore-dns': line({}, [], withNames(dns('foo_bar.example.com'))),
  'rfc5280::san::ip-in-dns': line({}, [], withNames(dns('8.8.8.8'))),
  'rfc5280::serial::too-long': line({}, [], { serial: `40${'11'.repeat(21)}` }),
  'rfc5280::serial::zero': line({}, [], { serial: '00' }),
  'rfc5280::validity::expired-root': line(past, [long], long),
  'rfc5280::validity::expired-intermediate': line(long, [past], long),
  'rfc5280::validity::expired-leaf': line(long, [long], past),
  'rfc5280::validity::notbefore-exact': lifetime({ afterBeginMs: 0 }),
  'rfc5280::validity::notbefore-fractional': lifetime({ afterBeginMs: -1 }),
  'rfc5280::validity::notafter-exact': lifetime({ afterEndMs: 0 }),
  'rfc5280::validity::notafter-fractional': lifetime({ afterEndMs: 5 }),
  'rfc5280::validity::expired-1-second': lifetime({ afterEndMs: 1000 }),
  'rfc5280::validity::expired-5-seconds': lifetime({ afterEndMs: 5000 }),
  'rfc5280::validity::not-yet-valid-1-second': lifetime({ afterBeginMs: -1000 }),
  'rfc5280::validity::not-yet-valid-5-seconds': lifetime({ afterBeginMs: -5000 }),
  'webpki::forbidden-weak-rsa-key-in-root': line({ keys: rsaKeys(1024) }, []),
  'webpki::forbidden-weak-rsa-in-leaf': line({}, [], { keys: rsaKeys(1024) }),
  'pathological::multiple-chains-expired-intermediate': async () => {
    const [root, second] = [await limboRoot(), await limboRoot({ subject: 'CN=Limbo root 2' })];
    const expired = await limboCa(second, 'CN=Limbo root', { keys: root.keys, pathLength: 1, ...past });
    return { trusted: [root, second], via: [expired], leaf: await limboLeaf(root) };
  },
  'pathological::intermediate-cycle-distinct-cas': () => cycle('CN=One', 'CN=Two'),
  'pathological::intermediate-cycle-same-logical-ca': () => cycle('CN=One', 'CN=One'),
  'cve::cve-2024-0567': async () => {
    const names = ['CN=Root A', 'CN=Root B', 'CN=Root C'] as const;
    const bases = await Promise.all(names.map((subject) => limboRoot({ subject })));
    const root = bases[0]!;
    const first = await limboCa(root, 'CN=Limbo CA A1');
    const cross: Made[] = [];
    for (const of of bases) {
      const others = bases.filter((by) => by !== of);
      for (const by of others) cross.push(await limboCa(by, String(of.subject), { keys: of.keys }));
    }
    return { trusted: [root], via: [first, ...cross], leaf: await limboLeaf(first, { subject: '' }) };
  },
};

/** Two CAs that signed each other, below no root; the leaf is of the first. */
async function cycle(first: string, second: string) {
  const [one, two] = [await makeCa({ subject: first }), await makeCa({ subject: second })];
  const oneByTwo = await limboCa(two, first, { keys: one.keys });
  const twoByOne = await limboCa(one, second, { keys: two.keys });
  return { trusted: [await limboRoot()], via: [oneByTwo, twoByOne], leaf: await limboLeaf(one) };
}
