// Chains for x509-limbo's cases of name constraints, by the name of the case. The names that are constrained stand in the
// SAN beside the SPIFFE ID.

import { ecKeys } from '../identity/workshop.ts';
import { type Build, limboCa, limboLeaf, limboRoot, line } from './limbo-chain.ts';
import { constraints, directory, dns, email, ip, otherName, type Subtrees, withNames } from './limbo-names.ts';

/** Constraints on the root. */
const atRoot = (subtrees: Subtrees, ...names: Buffer[]): Build =>
  line({ extensions: [constraints(subtrees)] }, [], withNames(...names));
/** Constraints on an intermediate. */
const atCa = (subtrees: Subtrees, ...names: Buffer[]): Build =>
  line({}, [{ extensions: [constraints(subtrees)] }], withNames(...names));

const net = ip(192, 0, 2, 0, 255, 255, 255, 0);
const loopback6 = Array.from({ length: 16 }, (_, at) => (at === 15 ? 1 : 0));
const onlyLoopback6 = ip(...loopback6, ...Array<number>(16).fill(255));
const example = { permitted: [dns('example.com')] };
const permittedAndForbidden = {
  permitted: [dns('permitted.example.com')],
  excluded: [dns('forbidden.example.com')],
};
const foo = { permitted: [directory('foo')] };
const notFoo = { excluded: [directory('foo')] };
const asterisk = { permitted: [email('*@example.com')] };
const [fooHost, barHost] = [dns('foo.example.com'), dns('bar.example.com')];

export const nameChains: Readonly<Record<string, Build>> = {
  'permitted-dns-mismatch': atRoot(example, dns('not-example.com')),
  'excluded-dns-match': atCa({ excluded: [dns('example.com')] }, dns('example.com')),
  'permitted-dns-match': atRoot(example, dns('example.com')),
  'permitted-dns-match-noncritical': line(
    { extensions: [constraints(example, false)] },
    [],
    withNames(dns('example.com')),
  ),
  'permitted-dns-match-more': atRoot(example, dns('foo.bar.example.com')),
  'excluded-dns-match-second': atRoot(
    { excluded: [dns('not-allowed.example.com')] },
    dns('example.com'),
    dns('not-allowed.example.com'),
  ),
  'permitted-ip-mismatch': atRoot({ permitted: [net] }, ip(192, 0, 3, 1)),
  'excluded-ipv4-match': atRoot({ excluded: [net] }, ip(192, 0, 2, 1)),
  'excluded-ipv6-match': atRoot({ excluded: [onlyLoopback6] }, ip(...loopback6)),
  'permitted-ipv4-match': atRoot({ permitted: [net] }, ip(192, 0, 2, 1)),
  'permitted-ipv6-match': atRoot({ permitted: [onlyLoopback6] }, ip(...loopback6)),
  'permitted-dn-mismatch': named(foo, 'not-foo', 'not-foo'),
  'excluded-dn-match': named(notFoo, 'foo', 'foo'),
  'permitted-dn-match': named(foo, 'foo', 'foo'),
  'permitted-dn-match-subject-san-mismatch': named(foo, 'not-foo', 'foo'),
  'excluded-dn-match-sub-mismatch': named(notFoo, 'foo', 'not-foo'),
  'permitted-self-issued': line(
    { subject: 'CN=not-example.com', extensions: [constraints(example)] },
    [{ subject: 'CN=not-example.com', dns: ['not-example.com'] }],
    withNames(dns('example.com')),
  ),
  'excluded-self-issued-leaf': line({ extensions: [constraints(example)] }, [{ subject: 'CN=not-example.com' }], {
    subject: 'CN=not-example.com',
    ...withNames(dns('not-example.com')),
  }),
  'excluded-match-permitted-and-excluded': atRoot({ ...example, excluded: [dns('example.com')] }, dns('example.com')),
  'permitted-different-constraint-type': atRoot({ permitted: [net] }, dns('example.com')),
  'excluded-different-constraint-type': atRoot({ excluded: [net] }, dns('example.com')),
  'invalid-dnsname-wildcard': atRoot({ permitted: [dns('*.example.com')] }, fooHost),
  'invalid-dnsname-leading-period': atRoot({ permitted: [dns('.example.com')] }, fooHost),
  'invalid-ipv4-address': atRoot({ permitted: [ip(127, 0, 0, 1)] }, ip(127, 0, 0, 1)),
  'invalid-ipv6-address': atRoot({ permitted: [ip(...loopback6)] }, ip(...loopback6)),
  'invalid-email-address': atRoot({ permitted: [email('invalid@invalid@example.com')] }, email('example@example.com')),
  'not-allowed-in-ee-noncritical': line({}, [], { extensions: [constraints(example, false)] }),
  'not-allowed-in-ee-critical': line({}, [], { extensions: [constraints(example)] }),
  'intermediate-with-san-rejected-by-intermediate-nc': line(
    {},
    [{ extensions: [constraints(permittedAndForbidden)] }, { dns: ['forbidden.example.com'] }],
    withNames(dns('permitted.example.com')),
  ),
  'intermediate-with-san-rejected-by-root-nc': line(
    { extensions: [constraints(permittedAndForbidden)] },
    [{}, { dns: ['forbidden.example.com'] }],
    withNames(dns('permitted.example.com')),
  ),
  'restrictive-permits-in-intermediates-narrows': line(
    {},
    [
      { extensions: [constraints({ permitted: [fooHost, barHost] })] },
      { extensions: [constraints({ permitted: [barHost] })] },
    ],
    withNames(fooHost),
  ),
  'restrictive-permits-in-intermediates-widens': line(
    {},
    [
      { extensions: [constraints({ permitted: [barHost] })] },
      { extensions: [constraints({ permitted: [fooHost, barHost] })] },
    ],
    withNames(fooHost),
  ),
  'nc-permits-invalid-dns-san': atCa(example, dns('.example.com'), fooHost),
  'nc-permits-invalid-ip-san': atCa({ permitted: [net] }, net, ip(192, 0, 2, 1)),
  'nc-permits-invalid-email-san': atCa(
    { permitted: [email('example.com')] },
    email('good@example.com'),
    email('invalid@address@example.com'),
  ),
  'nc-forbids-alternate-chain-ica': async () => {
    const [discarded, root] = [await limboRoot({ subject: 'CN=Discarded' }), await limboRoot()];
    const above = await limboCa(root, 'CN=Limbo CA 0', { extensions: [constraints(permittedAndForbidden)] });
    const keys = ecKeys();
    const first = await limboCa(discarded, 'CN=Twin', { keys, dns: ['forbidden.example.com'] });
    const second = await limboCa(above, 'CN=Twin', { keys });
    const leaf = await limboLeaf(first, withNames(dns('permitted.example.com')));
    return { trusted: [root], via: [above, first, second], leaf };
  },
  'nc-forbids-same-chain-ica': async () => {
    const [rootA, rootB] = [await limboRoot({ subject: 'CN=Root A' }), await limboRoot({ subject: 'CN=Root B' })];
    const excluded = [dns('forbidden.example.com')];
    const above = await limboCa(rootA, 'CN=Limbo CA 0', { extensions: [constraints({ excluded })] });
    const keys = ecKeys();
    const first = await limboCa(above, 'CN=Twin', { keys, dns: ['forbidden.example.com'] });
    const second = await limboCa(rootB, 'CN=Twin', { keys, dns: ['unconstrained-ica.example.com'] });
    const leaf = await limboLeaf(first, withNames(dns('unconstrained.example.com')));
    return { trusted: [rootA, rootB], via: [above, first, second], leaf };
  },
  'nc-permits-email-exact': atCa({ permitted: [email('foo@example.com')] }, email('foo@example.com')),
  'nc-permits-email-domain': atCa({ permitted: [email('example.com')] }, email('foo@example.com')),
  'nc-permits-email-literal-asterisk-exact-match': atCa(asterisk, email('*@example.com')),
  'nc-permits-email-literal-asterisk-rejects-user': atCa(asterisk, email('user@example.com')),
  'nc-permits-email-literal-asterisk-rejects-subdomain': atCa(asterisk, email('*@subdomain.example.com')),
  'nc-forbids-othername': atCa({ ...example, excluded: [otherName()] }, dns('example.com'), otherName()),
  'nc-forbids-othername-noop': atCa({ ...example, excluded: [otherName()] }, dns('example.com')),
  'nc-forbids-dnsname-wildcard-san': atCa({ ...example, excluded: [barHost] }, dns('*.example.com')),
};

function named(subtrees: Subtrees, subject: string, san: string): Build {
  return line({ extensions: [constraints(subtrees)] }, [], { subject: `CN=${subject}`, ...withNames(directory(san)) });
}
