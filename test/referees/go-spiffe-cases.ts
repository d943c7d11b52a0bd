// What go-spiffe v2.8.1 makes of its own test inputs, as facts: input and verdict, by package. Where Postern differs, the
// row says so with a judgement; the test fails on a difference without one, and on a judgement without a difference.

/** Why Postern's verdict is another one than go-spiffe's; absent where they agree. */
interface Judged {
  readonly differs?: string;
}

/** A text and whether it is taken. */
export interface TextCase extends Judged {
  readonly text: string;
  readonly isTaken: boolean;
  /** Of what is taken. */
  readonly path?: string;
}

const taken = (text: string, path = ''): TextCase => ({ text, isTaken: true, path });
const refused = (text: string): TextCase => ({ text, isTaken: false });

/** Package spiffeid: the characters that are taken within a trust domain and within a path segment, of code points 0 to 255. */
export const trustDomainCharacters = 'abcdefghijklmnopqrstuvwxyz0123456789.-_';
export const segmentCharacters = `${trustDomainCharacters}ABCDEFGHIJKLMNOPQRSTUVWXYZ`;

/** Package spiffeid: IDs as text and from a URI. */
export const spiffeIds: readonly TextCase[] = [
  refused(''),
  taken('spiffe://trustdomain'),
  taken('spiffe://trustdomain/path', '/path'),
  taken('spiffe://trustdomain/path/element', '/path/element'),
  ...['s', 'spiffe:/', 'Spiffe://', 'SPIFFE://trustdomain', 'BAD'].map(refused),
  ...['spiffe://', 'spiffe:///', 'spiffe:///path', 'spiffe:/trustdomain/path'].map(refused),
  ...['/', '//', '//path', '/path/'].map((path) => refused(`spiffe://trustdomain${path}`)),
  ...['/.', '/./path', '/path/./other', '/path/..', '/..', '/../path', '/path/../other'].map((path) =>
    refused(`spiffe://trustdomain${path}`),
  ),
  ...['/.path', '/..path', '/...'].map((path) => taken(`spiffe://trustdomain${path}`, path)),
  ...['%F0%9F%A4%AF', '%62%61%64'].flatMap((part) => [
    refused(`spiffe://${part}/path`),
    refused(`spiffe://trustdomain/${part}`),
  ]),
  ...['spiffe://trust$domain', 'spiffe://trustdomain/path$'].map(refused),
];

/** Package spiffeid: paths made of segments, behind `spiffe://trustdomain`. */
export const segmentLists: readonly (Judged & { readonly segments: readonly string[]; readonly isTaken: boolean })[] = [
  ...[[], ['a'], ['foo'], ['foo', 'bar'], ['a', 'b']].map((segments) => ({ segments, isTaken: true })),
  ...[[''], ['.'], ['..'], ['$']].map((segments) => ({ segments, isTaken: false })),
];

/** Package spiffeid: names of trust domains. */
export const trustDomains: readonly TextCase[] = [
  refused(''),
  taken('trustdomain'),
  ...['spiffe:/trustdomain/path', 'spiffe://', 'spiffe:///path', 'spiffe://trustdomain/'].map(refused),
  ...['spiffe://trustdomain', 'spiffe://trustdomain/path'].map((text) => ({
    ...taken(text),
    differs: 'the configuration names a trust domain by its bare name: one spelling',
  })),
];

/** What a certificate and its issuer are to be; right but for that. */
export type SvidDefect =
  | 'none'
  | 'no URI SAN'
  | 'URI SAN twice'
  | 'scheme sparfe'
  | 'leaf is CA'
  | 'leaf keyCertSign'
  | 'leaf cRLSign'
  | 'leaf without digitalSignature'
  | 'intermediate without CA flag'
  | 'intermediate without keyCertSign'
  | 'DER broken';

/** Package x509svid: a chain that a peer shows, against a bundle of its trust domain. */
export interface PeerCase extends Judged {
  readonly what: string;
  readonly defect: SvidDefect;
  readonly bundle: 'own' | 'without authorities' | 'of the other domain' | 'authorities of the other domain' | 'none';
  readonly isTaken: boolean;
  /** Judged one second after its end. */
  readonly isOver?: boolean;
}

const peer = (what: string, defect: SvidDefect, bundle: PeerCase['bundle'] = 'own'): PeerCase => ({
  what,
  defect,
  bundle,
  isTaken: false,
});

export const peers: readonly PeerCase[] = [
  { ...peer('success', 'none'), isTaken: true },
  { ...peer('with time', 'none'), isOver: true },
  peer('empty bundle', 'none', 'none'),
  peer('no roots', 'none', 'without authorities'),
  peer('no roots for leaf cert domain', 'none', 'of the other domain'),
  peer('verification fails', 'none', 'authorities of the other domain'),
  peer('bad leaf cert id', 'scheme sparfe'),
  peer('no URI SAN', 'no URI SAN'),
  peer('more than one URI SAN', 'URI SAN twice'),
  peer('leaf is CA', 'leaf is CA'),
  peer('leaf has KeyUsageCertSign', 'leaf keyCertSign'),
  peer('leaf has KeyUsageCRLSign', 'leaf cRLSign'),
  peer('one byte of the DER is another', 'DER broken'),
];

/** What stands in a file of an own SVID. */
export type FileContent =
  | 'leaf'
  | 'leaf, intermediate'
  | 'key'
  | 'other key'
  | 'leaf, key'
  | 'key, leaf'
  | 'no PEM'
  | 'broken leaf'
  | 'broken key';

/** Package x509svid: certificate and key from PEM. */
export interface OwnSvidCase extends Judged {
  readonly what: string;
  readonly certificate: FileContent;
  readonly key: FileContent;
  readonly defect: SvidDefect;
  /** Certificates of what is taken; 0 where it is refused. */
  readonly certificates: number;
}

const own = (what: string, files: readonly [FileContent, FileContent], certificates = 0): OwnSvidCase => ({
  what,
  certificate: files[0],
  key: files[1],
  defect: 'none',
  certificates,
});
const defective = (what: string, defect: SvidDefect, certificate: FileContent = 'leaf'): OwnSvidCase => ({
  ...own(what, [certificate, 'key']),
  defect,
});

export const ownSvids: readonly OwnSvidCase[] = [
  own('single certificate and key', ['leaf', 'key'], 1),
  own('certificate with intermediate and key', ['leaf, intermediate', 'key'], 2),
  own('key and certificate in the same file', ['key, leaf', 'key, leaf'], 1),
  own('certificate and key in the same file', ['leaf, key', 'leaf, key'], 1),
  own('missing certificate', ['key', 'key']),
  own('missing private key', ['leaf', 'leaf']),
  own('private key not PEM', ['leaf', 'no PEM']),
  own('certificate not PEM', ['no PEM', 'key']),
  own('corrupt private key', ['leaf', 'broken key']),
  own('corrupt certificate', ['broken leaf', 'key']),
  own('certificate does not match private key', ['leaf, intermediate', 'other key']),
  defective('certificate without SPIFFE ID', 'no URI SAN'),
  defective('leaf with CA flag', 'leaf is CA'),
  defective('leaf without digitalSignature', 'leaf without digitalSignature'),
  defective('leaf with certSign', 'leaf keyCertSign'),
  defective('leaf with cRLSign', 'leaf cRLSign'),
  defective('signing certificate without CA flag', 'intermediate without CA flag', 'leaf, intermediate'),
  defective('signing certificate without keyCertSign', 'intermediate without keyCertSign', 'leaf, intermediate'),
];

/** A key of a SPIFFE bundle: its use, how many certificates its x5c has, whether it has a `kid`. */
export interface BundleKey {
  readonly use: 'x509-svid' | 'jwt-svid';
  readonly certificates: number;
  readonly hasKid: boolean;
}

const x509 = (certificates: number): BundleKey => ({ use: 'x509-svid', certificates, hasKid: false });
const jwt = (hasKid: boolean): BundleKey => ({ use: 'jwt-svid', certificates: 0, hasKid });

/** Package spiffebundle: documents. Null keys: the member is not there. */
export interface BundleCase extends Judged {
  readonly what: string;
  readonly keys: readonly BundleKey[] | null;
  readonly refreshHintS?: number;
  readonly isTaken: boolean;
}

export const spiffeBundles: readonly BundleCase[] = [
  { what: 'valid 1', keys: [x509(1), jwt(true)], isTaken: true },
  { what: 'valid 2', keys: [x509(1), ...Array(6).fill(jwt(true))], refreshHintS: 60, isTaken: true },
  { what: 'no keys', keys: null, refreshHintS: 60, isTaken: false },
  {
    what: 'missing kid',
    keys: [x509(1), jwt(false)],
    isTaken: false,
    differs: 'a JWT key that cannot be used is no reason to distrust X.509 authorities; it verifies no token',
  },
  {
    what: 'multiple x509',
    keys: [x509(2), jwt(true)],
    isTaken: false,
    differs: 'X509-SVID §6.2 asks consumers to take the first certificate and to pass over the others',
  },
];

/** Package x509bundle: PEM; the authorities of what is taken. */
export interface PemBundleCase extends Judged {
  readonly what: string;
  readonly content: 'two certificates' | 'one certificate' | 'nothing' | 'no PEM' | 'broken certificate';
  readonly isTaken: boolean;
  readonly authorities?: number;
}

export const pemBundles: readonly PemBundleCase[] = [
  { what: 'multiple certificates', content: 'two certificates', isTaken: true, authorities: 2 },
  { what: 'single certificate', content: 'one certificate', isTaken: true, authorities: 1 },
  { what: 'non-PEM bytes', content: 'no PEM', isTaken: false },
  { what: 'corrupted certificate', content: 'broken certificate', isTaken: false },
  {
    what: 'empty bytes',
    content: 'nothing',
    isTaken: true,
    authorities: 0,
    differs: 'an empty file is one that is being written or was cut off; to withdraw all keys there is a SPIFFE bundle',
  },
];
