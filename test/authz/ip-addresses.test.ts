import assert from 'node:assert/strict';
import { BlockList, isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalIp, isInBlock, parseCidr, parseIp } from '../../src/authz/ip-address.ts';

const canonical = (text: string) => {
  const address = parseIp(text);
  return address === undefined ? undefined : canonicalIp(address);
};

test('an IPv4-mapped address of a dual-stack socket is the IPv4 address', () => {
  assert.equal(canonical('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(canonical('::FFFF:0a00:0001'), '10.0.0.1');
  assert.equal(canonical('0:0:0:0:0:ffff:10.0.0.1'), '10.0.0.1');
});

test('spellings of one IPv6 address are equal', () => {
  assert.equal(canonical('fd00::1'), canonical('FD00:0:0:0:0:0:0:1'));
  assert.notEqual(canonical('fd00::1'), canonical('fd00::1:0'));
});

for (const text of [
  '',
  '10.0.0',
  '10.0.0.0.1',
  '010.0.0.1',
  '10.0.0.256',
  '1.2.3.4:80',
  ':',
  ':::',
  '1::2::3',
  'fe80::1%eth0',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '::1.2.3',
  '12345::',
  '1.2.3.4::',
  '::1.2.3.4.5',
  'g::',
]) {
  test(`\`${text}\` is no address`, () => assert.equal(parseIp(text), undefined));
}

test('what is an address is what node:net calls one', () => {
  const parts = fc.constantFrom('0', '1', '255', '256', '.', ':', '::', 'ffff', 'f', '10.0.0.1', '00');
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      assert.equal(parseIp(text) !== undefined, isIP(text) !== 0, text);
    }),
    { numRuns: 20_000 },
  );
});

const cidr = (text: string) => parseCidr(text) ?? assert.fail(`\`${text}\` is no block`);

test('a block holds exactly the addresses that share its prefix', () => {
  assert.equal(isInBlock(parseIp('10.255.0.1')!, cidr('10.0.0.0/8')), true);
  assert.equal(isInBlock(parseIp('::ffff:10.255.0.1')!, cidr('10.0.0.0/8')), true);
  assert.equal(isInBlock(parseIp('11.0.0.1')!, cidr('10.0.0.0/8')), false);
  assert.equal(isInBlock(parseIp('fd12::1')!, cidr('fc00::/7')), true);
  assert.equal(isInBlock(parseIp('fe80::1')!, cidr('fc00::/7')), false);
  assert.equal(isInBlock(parseIp('10.0.0.1')!, cidr('::/0')), false);
  assert.equal(isInBlock(parseIp('9.9.9.9')!, cidr('0.0.0.0/0')), true);
  assert.equal(isInBlock(parseIp('10.0.0.1')!, cidr('::ffff:10.0.0.0/104')), true);
  assert.equal(isInBlock(parseIp('10.0.0.1')!, cidr('10.0.0.1')), true);
});

for (const text of [
  '10.0.0.1/8',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/',
  '10.0.0.0/08',
  'fd00::/129',
  'fd00::1/64',
  'x/8',
  '::ffff:10.0.0.0/8',
  '10.0.0.0/8/8',
]) {
  test(`\`${text}\` is no block`, () => assert.equal(parseCidr(text), undefined));
}

test('membership is what BlockList of node:net says', () => {
  const v4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.ipV4());
  fc.assert(
    fc.property(v4, ([base, prefix, probe]) => {
      const bits = (parseIp(base) as { bits: number }).bits;
      const masked = prefix === 0 ? 0 : (bits & (0xffffffff << (32 - prefix))) >>> 0;
      const network = canonicalIp({ version: 4, bits: masked });
      const list = new BlockList();
      list.addSubnet(network, prefix, 'ipv4');
      assert.equal(isInBlock(parseIp(probe)!, cidr(`${network}/${prefix}`)), list.check(probe, 'ipv4'));
    }),
    { numRuns: 2000 },
  );
});
