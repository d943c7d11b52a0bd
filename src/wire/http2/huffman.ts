// HOT PATH (npm run bench). Huffman coding of HPACK strings (RFC 7541 §5.2, appendix B), decoded four bits a step. The code
// is canonical, so the lengths of its words say all.

/** Length of the code of each octet, and of EOS at the end; bits. */
const lengths: readonly number[] = (
  '13,23,28,28,28,28,28,28,28,24,30,28,28,30,28,28,28,28,28,28,28,28,30,28,28,28,28,28,28,28,28,28,' +
  '6,10,10,12,13,6,8,11,10,10,8,11,8,6,6,6,5,5,5,6,6,6,6,6,6,6,7,8,15,6,12,10,' +
  '13,6,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,8,7,8,13,19,13,14,6,' +
  '15,5,6,5,6,5,6,6,6,5,7,7,6,6,6,5,6,7,6,5,5,6,7,7,7,7,7,15,11,14,13,28,' +
  '20,22,20,20,22,22,22,23,22,23,23,23,23,23,24,23,24,24,22,23,24,23,23,23,23,21,22,23,22,23,23,24,' +
  '22,21,20,22,22,23,23,21,23,22,22,24,21,22,23,23,21,21,22,21,23,22,23,23,20,22,22,22,23,22,22,23,' +
  '26,26,20,19,22,23,22,25,26,26,26,27,27,26,24,25,19,21,26,27,27,26,27,24,21,21,26,26,28,27,27,27,' +
  '20,24,20,21,22,21,21,23,22,22,25,25,24,24,26,23,26,27,26,26,27,27,27,27,27,28,27,27,27,27,27,26,30'
)
  .split(',')
  .map(Number);

const endOfString = 256;
/** Inner nodes of the tree: a complete one with 257 leaves. */
const nodeCount = 256;
const failed = -1;

/** `next[node * 16 + nibble]`: the node after four more bits, or `failed`. */
const next = new Int16Array(nodeCount * 16);
/** The octet that these four bits completed, or -1; none completes two. */
const completed = new Int16Array(nodeCount * 16);
/** Nodes where a string may end: within at most seven ones, the beginning of EOS (§5.2). */
const mayEnd = new Uint8Array(nodeCount);

buildTables();

const texts: readonly string[] = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet));

/** The octets that `bytes` from `start` to `end` stand for, one latin1 character each; null where that is no valid coding. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | null {
  let text = '';
  let node = 0;
  for (let at = start; at < end; at++) {
    const octet = bytes[at]!;
    const high = (node << 4) | (octet >> 4);
    const middle = next[high]!;
    if (middle === failed) return null;
    if (completed[high]! >= 0) text += texts[completed[high]!]!;
    const low = (middle << 4) | (octet & 15);
    node = next[low]!;
    if (node === failed) return null;
    if (completed[low]! >= 0) text += texts[completed[low]!]!;
  }
  return mayEnd[node] === 1 ? text : null;
}

function buildTables(): void {
  const tree = buildTree();
  for (let node = 0; node < nodeCount; node++) {
    for (let nibble = 0; nibble < 16; nibble++) fillStep(tree, node, nibble);
  }
  let node = 0;
  for (let ones = 0; ones <= 7; ones++) {
    mayEnd[node] = 1;
    node = tree[node * 2 + 1]!;
  }
}

/** Children of each inner node: another inner node, or a leaf as `-1 - octet`. */
function buildTree(): Int16Array {
  const tree = new Int16Array(nodeCount * 2);
  const octets = [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  let used = 1;
  let code = 0;
  let length = lengths[octets[0]!]!;
  for (const octet of octets) {
    code *= 2 ** (lengths[octet]! - length);
    length = lengths[octet]!;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const child = node * 2 + (Math.floor(code / 2 ** bit) % 2);
      if (tree[child] === 0) tree[child] = used++;
      node = tree[child]!;
    }
    tree[node * 2 + (code % 2)] = -1 - octet;
    code++;
  }
  return tree;
}

function fillStep(tree: Int16Array, from: number, nibble: number): void {
  const step = from * 16 + nibble;
  let node = from;
  completed[step] = -1;
  for (let bit = 3; bit >= 0; bit--) {
    const child = tree[node * 2 + ((nibble >> bit) & 1)]!;
    node = child < 0 ? 0 : child;
    if (child >= 0) continue;
    if (-1 - child === endOfString) {
      next[step] = failed;
      return;
    }
    completed[step] = -1 - child;
  }
  next[step] = node;
}
