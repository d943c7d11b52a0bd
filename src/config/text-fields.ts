// Kinds of text values that other parts know how to read: SPIFFE IDs, trust domains, networks, paths, addresses. The
// parser is always that part's own, so that the configuration accepts exactly what the part does.

import type * as z from 'zod';
import { parseCidr } from '../authz/ip-address.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';
import { TrustDomain } from '../identity/trust-domain.ts';
import type { SocketAddress } from '../lib/socket-address.ts';
import { badValue, textField } from './fields.ts';
import { type ForwardAddress, parseForwardAddress, parseListenAddress } from './socket-address.ts';

/** A path of a file or folder; a relative one starts from the folder of the configuration file. */
export function filePath(example: string): z.ZodType<string, string> {
  return textField(
    (text) => {
      if (text !== '' && !text.includes('\0')) return text;
      throw badValue('the path is empty', `write a path such as \`${example}\``);
    },
    { 'x-form': 'path', examples: [example] },
  );
}

/** The SPIFFE ID of a workload: it has a path. */
export function spiffeId(): z.ZodType<string, string> {
  return textField(
    (text) => {
      if (SpiffeId.parse(text).path !== '') return text;
      throw badValue(
        `\`${text}\` names a trust domain, not a workload`,
        'add a path: `spiffe://trust.domain/ns/app/api`',
      );
    },
    { 'x-form': 'SPIFFE ID', pattern: '^spiffe://', examples: ['spiffe://prod.acme.com/ns/payments/api'] },
  );
}

/** A trust domain name, without scheme. */
export function trustDomain(): z.ZodType<string, string> {
  return textField((text) => TrustDomain.parse(text).name, {
    'x-form': 'trust domain',
    pattern: '^[a-z0-9._-]{1,255}$',
    examples: ['partner.example'],
  });
}

/** A network in CIDR form. */
export function network(): z.ZodType<string, string> {
  return textField(
    (text) => {
      if (parseCidr(text) !== undefined) return text;
      const mend = 'write `ADDRESS/PREFIX` without bits set beyond the prefix, such as `10.0.0.0/8` or `fc00::/7`';
      throw badValue(`\`${text}\` is not a network`, mend);
    },
    { 'x-form': 'network', examples: ['10.0.0.0/8'] },
  );
}

/** An address to listen on. */
export function listenAddress(): z.ZodType<SocketAddress, string> {
  return textField(parseListenAddress, {
    'x-form': 'listen address',
    examples: ['0.0.0.0:8443', 'unix:/run/app.sock'],
  });
}

/** The address of the workload. */
export function forwardAddress(): z.ZodType<ForwardAddress, string> {
  return textField(parseForwardAddress, {
    'x-form': 'forward address',
    examples: ['http://127.0.0.1:8080', 'tcp://127.0.0.1:5432', 'unix:/run/app.sock'],
  });
}

/** A name that stands in records, metrics and messages. */
export function name(): z.ZodType<string, string> {
  return textField(
    (text) => {
      if (/^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/.test(text)) return text;
      throw badValue(`\`${text}\` is not a name`, 'use 1 to 63 lower-case letters, digits, `-` and `_`');
    },
    { 'x-form': 'name', pattern: '^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$', examples: ['api'] },
  );
}

/** Any text of 1 to `longest` characters without control characters; `{capture}` is read by who uses it. */
export function plainText(longest: number): z.ZodType<string, string> {
  return textField(
    (text) => {
      if (text.length > 0 && text.length <= longest && !/[\u0000-\u001f\u007f]/.test(text)) return text;
      throw badValue(
        'the text is empty, too long or holds control characters',
        `write 1 to ${longest} plain characters`,
      );
    },
    { 'x-form': 'text' },
  );
}

/** An HTTP field name, in lower case whatever was written (RFC 9110 §5.1). */
export function fieldName(): z.ZodType<string, string> {
  return textField(
    (text) => {
      if (/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(text)) return text.toLowerCase();
      throw badValue(`\`${text}\` is not a header name`, 'write the name alone, such as `x-tier`');
    },
    { 'x-form': 'header name', examples: ['x-tier'] },
  );
}

/** The mode of a unix socket, as a number. */
export function socketMode(): z.ZodType<number, string> {
  return textField(
    (text) => {
      if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
      throw badValue(`\`${text}\` is not the mode of a file`, 'write it in quotes, such as "0660"');
    },
    { 'x-form': 'mode of a file', pattern: '^0?[0-7]{3}$', examples: ['0660'] },
  );
}
