// `postern audit verify --bundle`: judges the signatures of seals offline. The certificate must be one that the bundle vouched for when
// the seal was made; that it has ended since does no harm.

import { verify, X509Certificate } from 'node:crypto';
import type { FoundSignature, JudgeSignature, SignatureVerdict } from '../audit/seal-signature.ts';
import { PosternError } from '../errors.ts';
import { BundleSet } from '../identity/bundle-set.ts';
import { createPeerVerifier } from '../identity/peer-verification.ts';
import { RevocationList } from '../identity/revocation-list.ts';
import { digestOfKey } from '../identity/signing-digest.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { parseTrustBundle } from '../identity/trust-bundle.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import type { CliIo } from './cli-io.ts';
import { readCertificateText } from './identity-inputs.ts';

/** Chains of one journal that are remembered. */
const chainsKept = 64;

/**
 * Null where no bundle is given.
 * @throws PosternError ERR_USAGE, ERR_IDENTITY_FILE or that of a bundle or an ID that cannot be read
 */
export async function signatureJudge(
  { bundle, signer }: { readonly bundle: readonly string[]; readonly signer: readonly string[] },
  io: CliIo,
): Promise<JudgeSignature | null> {
  if (bundle.length === 0 && signer.length === 0) return null;
  if (bundle.length === 0) throw new PosternError('ERR_USAGE', '`--signer` needs `--bundle`');
  const bundles = new BundleSet(await Promise.all(bundle.map((option) => readBundle(option, io))));
  const signers = new Set(signer.map((id) => SpiffeId.parse(id).toString()));
  const verifier = createPeerVerifier({ cacheEntries: chainsKept });
  return (found) => {
    try {
      return judge(found, { bundles, signers, verifier });
    } catch {
      // The bytes may be anybody's: what cannot be read does not vouch.
      return { ok: false, why: 'its certificates or its value cannot be read' };
    }
  };
}

async function readBundle(option: string, io: CliIo) {
  const named = /^([a-z0-9._-]+)=(.+)$/.exec(option);
  if (named === null) {
    const mend = 'write --bundle TRUST-DOMAIN=FILE';
    throw new PosternError('ERR_USAGE', `--bundle \`${option}\` names no trust domain`, { mend });
  }
  const [, name, file] = named;
  return parseTrustBundle({
    text: await readCertificateText(file!, io),
    file: file!,
    trustDomain: TrustDomain.parse(name!),
  });
}

interface Known {
  readonly bundles: BundleSet;
  readonly signers: ReadonlySet<string>;
  readonly verifier: ReturnType<typeof createPeerVerifier>;
}

function judge(found: FoundSignature, { bundles, signers, verifier }: Known): SignatureVerdict {
  const [leaf, ...intermediates] = found.certificates.map((der) => new X509Certificate(der));
  if (leaf === undefined) return { ok: false, why: 'it has no certificate' };
  const { statement, value, timeMs } = found;
  if (!verify(digestOfKey(leaf.publicKey), statement, leaf.publicKey, value)) {
    return { ok: false, why: 'it is not of the key of its certificate over this seal' };
  }
  const chain = {
    leaf,
    intermediates,
    bundles,
    revocations: RevocationList.empty,
    role: 'client',
    nowMs: timeMs,
  } as const;
  const verdict = verifier.verify(chain);
  if (!verdict.ok) return { ok: false, why: `${verdict.detail} (${verdict.cause})` };
  const id = verdict.peer.id.toString();
  if (signers.size > 0 && !signers.has(id)) return { ok: false, why: `it is by ${id}, which is not asked for` };
  return { ok: true, signer: id };
}
