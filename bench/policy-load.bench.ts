// Loading 10,000 rules in a process that has compiled nothing before: CPU time of each phase, and the longest that the loop stood
// still meanwhile. Judged against the YAML library alone reading a tenth of the same text in the same process; exit code 1
// when a budget is missed. `node bench/policy-load.bench.ts`

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { createAuthorizer } from '../src/authz/engine.ts';
import { bareLintContext, lintPoliciesInTurns } from '../src/authz/lint/lint.ts';
import { compileSourcesInTurns, loadDefaults, readPolicySources } from '../src/authz/loader.ts';
import { bundleText } from './large-bundle.ts';

const rules = 10_000;
/** Reading and compiling may cost this much of what the library's parsing alone would. */
const mostOfLibrary = 0.3;
const mostPauseMs = 20;

/** CPU time of a phase, and the longest turn of the loop within, milliseconds of this thread's CPU time. */
interface Phase<T> {
  readonly result: T;
  readonly cpuMs: number;
  readonly threadMs: number;
  readonly longestMs: number;
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

async function phase<T>(work: () => Promise<T> | T): Promise<Phase<T>> {
  let longestMs = 0;
  let lastMs = threadMs();
  let isOver = false;
  const look = (): void => {
    const nowMs = threadMs();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  const [cpu, startedMs] = [process.cpuUsage(), threadMs()];
  const result = await work();
  look();
  isOver = true;
  const { user, system } = process.cpuUsage(cpu);
  return { result, cpuMs: (user + system) / 1000, threadMs: threadMs() - startedMs, longestMs };
}

async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'postern-policy-load-'));
  const text = bundleText(rules, 'tenth global');
  writeFileSync(join(dir, 'bundle.yaml'), text);
  const read = await phase(() => readPolicySources([dir]));
  rmSync(dir, { recursive: true });
  const sources = read.result;
  const compiled = await phase(() => compileSourcesInTurns(sources, { ...loadDefaults, maxUnindexedRules: rules }));
  if (!compiled.result.ok) throw new Error(compiled.result.findings[0]?.message);
  const { set } = compiled.result;
  const policies = set.policies.map(({ document }) => document);
  const linted = await phase(() => lintPoliciesInTurns({ sources, policies }, bareLintContext(0)));
  const replaced = await phase(() => createAuthorizer().replace(set));
  const tenth = text.slice(0, text.indexOf('policy p100:'));
  const library = await phase(() => parseAllDocuments(tenth).length);
  const phases = { read, compiled, linted, replaced };
  console.log('phase      CPU ms   of it this thread   longest turn ms');
  for (const [name, { cpuMs, threadMs: own, longestMs }] of Object.entries(phases))
    console.log(
      name.padEnd(9),
      ...[cpuMs, own].map((ms) => ms.toFixed(0).padStart(8)),
      longestMs.toFixed(1).padStart(20),
    );
  const ratio = (read.cpuMs + compiled.cpuMs) / (library.cpuMs * 10);
  const longestMs = Math.max(...Object.values(phases).map((one) => one.longestMs));
  console.log(
    `of the library's parsing: ${ratio.toFixed(2)}, budget ${mostOfLibrary}; longest turn ${longestMs.toFixed(1)} ms`,
  );
  process.exitCode = ratio <= mostOfLibrary && longestMs <= mostPauseMs ? 0 : 1;
}

await main();
