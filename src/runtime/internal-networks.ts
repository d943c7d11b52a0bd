// Which addresses lie in networks of the configuration: those that count as internal, those of load balancers.

import { type CidrBlock, isInBlock, parseCidr, parseIp } from '../authz/ip-address.ts';
import { PosternError } from '../errors.ts';

/** @throws PosternError ERR_CONFIG_VALUE for what is not a network */
export function networkTest(networks: readonly string[]): (ip: string) => boolean {
  const blocks: CidrBlock[] = networks.map((network) => {
    const block = parseCidr(network);
    if (block === undefined) throw new PosternError('ERR_CONFIG_VALUE', `\`${network}\` is not a network`);
    return block;
  });
  return (ip) => {
    const address = parseIp(ip);
    return address !== undefined && blocks.some((block) => isInBlock(address, block));
  };
}
