// The names that this machine gives to addresses itself (hosts(5)): they go before DNS, as they do for every other program.

import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

/** Where every Unix has it. */
export const hostsFile = '/etc/hosts';
/** More names no hosts file has that a person wrote; the rest is not looked at. */
const mostBytes = 4 * 1024 * 1024;

/** Addresses that the hosts file `file` gives to `name`; none where it cannot be read. */
export async function addressesOfHostsFile(file: string, name: string): Promise<readonly string[]> {
  try {
    const text = await readFile(file, 'latin1');
    return addressesIn(text.slice(0, mostBytes), name);
  } catch {
    return [];
  }
}

/** Addresses that the text of a hosts file gives to `name`, in the order of its lines. */
export function addressesIn(text: string, name: string): readonly string[] {
  const found = new Set<string>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    if (names.some((one) => one.toLowerCase() === name)) found.add(address);
  }
  return [...found];
}
