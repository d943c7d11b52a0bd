// The pages of Node's own program that are mapped. A start runs through half of it, and what only the start needs stays
// resident for good: the kernel takes file pages back only where memory runs short. Unmapped they cost nobody anything: they stay in the kernel's
// cache as long as there is room, shared with every other Node of the machine, and what is used again comes back by a minor fault.

import { readFileSync, realpathSync } from 'node:fs';
import process from 'node:process';

/** madvise(2): the pages go, and are read from the file again when somebody needs them. */
const dontNeed = 4;

interface Mapping {
  readonly start: bigint;
  readonly bytes: bigint;
}

/**
 * What unmaps the pages of the running program that nobody has written, some milliseconds of work. Does nothing where there is no /proc, or where
 * Node offers no calls of C functions (`node:ffi`).
 */
export function openProgramPages(): () => void {
  try {
    const ffi = process.getBuiltinModule('node:ffi');
    const { functions } = ffi.dlopen(null, {
      madvise: { arguments: ['uint64', 'uint64', 'int32'], return: 'int32' },
    });
    return () => {
      for (const { start, bytes } of unwrittenMappings()) functions.madvise(start, bytes, dontNeed);
    };
  } catch {
    return () => {};
  }
}

/** The mappings of the program's file, from /proc/self/smaps (proc_pid_smaps(5)); none where that cannot be read. */
function unwrittenMappings(): readonly Mapping[] {
  try {
    return parseMappings(readFileSync('/proc/self/smaps', 'latin1'), realpathSync('/proc/self/exe'));
  } catch {
    return [];
  }
}

/**
 * Those of `file` that can be read and not written, and of which no page is this process's own. A page that was written, as the loader does
 * with addresses and a debugger with code, would come back as the file has it.
 */
export function parseMappings(smaps: string, file: string): readonly Mapping[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((text) => {
    const head = /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p [0-9a-f]+ \S+ \d+ +(.+)/.exec(text);
    if (head?.[3] !== file || !/^Anonymous: +0 kB$/m.test(text)) return [];
    const start = BigInt(`0x${head[1]}`);
    return [{ start, bytes: BigInt(`0x${head[2]}`) - start }];
  });
}
