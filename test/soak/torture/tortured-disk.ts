// The disk of a journal in the torture test: a file system in memory of its own, which is full, read-only, or loses the folder.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmdirSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { journalRecords } from '../../harness/sidecar-process.ts';

const roomyMiB = 4096;
/** Records. */
const mostBehind = 3_000;

interface Cursor {
  readonly streams: Readonly<Record<string, { readonly seq: number }>>;
}

export class TorturedDisk {
  /** Folder of the journal. */
  readonly journal: string;
  readonly faults = { full: 0, 'read-only': 0, removed: 0, 'back again': 0 };
  readonly #mount: string;
  /** Folders that Postern lost. It knows of them no more, but they are evidence of what it wrote. */
  readonly #lost: string[] = [];

  private constructor(mount: string) {
    this.#mount = mount;
    this.journal = path.join(mount, 'journal');
  }

  /** Null where this process may not mount. */
  static mount(): TorturedDisk | null {
    const dir = mkdtempSync(path.join(tmpdir(), 'postern-torture-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${roomyMiB}m`, 'tmpfs', dir], { stdio: 'pipe' });
    } catch {
      rmdirSync(dir);
      return null;
    }
    return new TorturedDisk(dir);
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.#mount]);
    rmdirSync(this.#mount);
  }

  /** Nothing more fits; until `roomy`. */
  fill(): void {
    this.faults.full++;
    const { blocks, bfree, bsize } = statfsSync(this.#mount);
    // What is written meanwhile would make the size too small, which is refused.
    const used = (blocks - bfree) * bsize + 512 * 1024;
    this.#remount(`size=${used}`);
  }

  roomy(): void {
    this.#remount(`size=${roomyMiB}m`);
  }

  /** Only while nobody writes: the kernel refuses it to a disk that has files open for writing. */
  makeReadOnly(): void {
    this.faults['read-only']++;
    this.#remount('ro');
  }

  makeWritable(): void {
    this.#remount('rw');
  }

  /** Takes the folder away, with everything in it; gives what brings back the same folder, or an empty one. */
  takeFolder(): (isSame: boolean) => void {
    const away = path.join(this.#mount, `lost-${this.#lost.length}`);
    renameSync(this.journal, away);
    return (isSame) => {
      this.faults[isSame ? 'back again' : 'removed']++;
      if (isSame) return renameSync(away, this.journal);
      this.#lost.push(away);
      mkdirSync(this.journal, { mode: 0o700 });
    };
  }

  /** So many sinks are in the latest stream, so that they have everything of those before it, and none is far behind. */
  isAllUpToDate(sinks: number): boolean {
    const streams = readdirSync(this.journal).filter((name) => /^\d/.test(name));
    const latest = streams.sort().at(-1) ?? '';
    const cursors = path.join(this.journal, 'cursors');
    const files = readdirSync(cursors).filter((name) => name.endsWith('.json'));
    const places = files.map((name) => JSON.parse(readFileSync(path.join(cursors, name), 'utf8')) as Cursor);
    const seqs = places.map(({ streams: of }) => of[latest]?.seq ?? 0);
    return latest !== '' && seqs.length === sinks && Math.min(...seqs) > Math.max(0, Math.max(...seqs) - mostBehind);
  }

  /** Everything that Postern ever wrote. */
  records(): Record<string, unknown>[] {
    return [this.journal, ...this.#lost].flatMap((dir) => journalRecords(dir));
  }

  #remount(option: string): void {
    execFileSync('mount', ['-o', `remount,${option}`, this.#mount], { stdio: 'pipe' });
  }
}
