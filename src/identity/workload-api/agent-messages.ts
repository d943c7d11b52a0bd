// The messages of the SPIFFE Workload API that Postern reads (SPIFFE_Workload_API §5.1, §6.1), by their field numbers.
// Unknown fields are skipped, as Protocol Buffers asks for; what is cut short or of another type is refused whole.

import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { PosternError } from '../../errors.ts';

/** One X509-SVID as the agent sends it; certificates are concatenated DER. */
export interface AgentSvid {
  readonly spiffeId: string;
  readonly certificates: Uint8Array;
  /** PKCS#8, secret. */
  readonly key: Uint8Array;
  readonly bundle: Uint8Array;
  /** The operator's word for what it is meant for; empty where there is none. */
  readonly hint: string;
}

/** X509SVIDResponse. */
export interface X509Update {
  readonly svids: readonly AgentSvid[];
  /** DER of revocation lists, of any CA. */
  readonly crls: readonly Uint8Array[];
  /** Concatenated DER by the SPIFFE ID of the trust domain. */
  readonly federated: ReadonlyMap<string, Uint8Array>;
}

/** Most SVIDs, and most bundles, of one message. */
const mostEntries = 1000;

/** @throws PosternError ERR_WORKLOAD_API_ANSWER */
export function decodeX509Update(message: Uint8Array): X509Update {
  const svids: AgentSvid[] = [];
  const crls: Uint8Array[] = [];
  const federated = new Map<string, Uint8Array>();
  readFields(message, (field, reader) => {
    if (field === 1) svids.push(decodeSvid(reader.bytes()));
    else if (field === 2) crls.push(reader.bytes());
    else if (field === 3) setEntry(federated, reader.bytes());
    else return false;
    if (Math.max(svids.length, crls.length, federated.size) > mostEntries)
      throw malformed(`more than ${mostEntries} entries`);
    return true;
  });
  return { svids, crls, federated };
}

/** JWTBundlesResponse: JWKS documents by the SPIFFE ID of the trust domain. @throws PosternError ERR_WORKLOAD_API_ANSWER */
export function decodeJwtBundles(message: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const bundles = new Map<string, Uint8Array>();
  readFields(message, (field, reader) => {
    if (field !== 1) return false;
    setEntry(bundles, reader.bytes());
    if (bundles.size > mostEntries) throw malformed(`more than ${mostEntries} entries`);
    return true;
  });
  return bundles;
}

function decodeSvid(message: Uint8Array): AgentSvid {
  const none = new Uint8Array(0);
  const texts = new Map<number, string>();
  const parts = new Map<number, Uint8Array>();
  readFields(message, (field, reader) => {
    if (field === 1 || field === 5) texts.set(field, reader.string());
    else if (field >= 2 && field <= 4) parts.set(field, reader.bytes());
    else return false;
    return true;
  });
  return {
    spiffeId: texts.get(1) ?? '',
    certificates: parts.get(2) ?? none,
    key: parts.get(3) ?? none,
    bundle: parts.get(4) ?? none,
    hint: texts.get(5) ?? '',
  };
}

/** An entry of a map: a message with key 1 and value 2; the last one of a key holds. */
function setEntry(map: Map<string, Uint8Array>, message: Uint8Array): void {
  let key = '';
  let value: Uint8Array = new Uint8Array(0);
  readFields(message, (field, reader) => {
    if (field === 1) key = reader.string();
    else if (field === 2) value = reader.bytes();
    else return false;
    return true;
  });
  map.set(key, value);
}

/** Calls `read` for each length-delimited field; false skips it. Fields that are known are all of that wire type. */
function readFields(message: Uint8Array, read: (field: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(message);
  try {
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      const before = reader.pos;
      if (type !== WireType.LengthDelimited || !read(field, reader)) {
        reader.pos = before;
        reader.skip(type, field);
      }
    }
  } catch (cause) {
    if (cause instanceof PosternError) throw cause;
    throw malformed('what is no such message');
  }
  if (reader.pos !== reader.len) throw malformed('a message that is cut short');
}

function malformed(what: string): PosternError {
  return new PosternError('ERR_WORKLOAD_API_ANSWER', `the agent sent ${what}`);
}
