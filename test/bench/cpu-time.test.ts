import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { cpuTimeUs, machineTicks, processTree, residentBytes, tickCpuTimeUs } from '../../bench/cpu-time.ts';

// Works in a thread of its own, then says what it has used itself. Waits for a line before it ends.
const busyThread = `
  const { Worker, isMainThread } = require('node:worker_threads');
  if (isMainThread) {
    const worker = new Worker(__filename);
    worker.on('message', () => console.log(JSON.stringify(process.cpuUsage())));
    process.stdin.on('data', () => process.exit());
  } else {
    // By CPU time and not by the clock: on a busy machine a thread gets less than its share.
    while (process.threadCpuUsage().user < 300_000);
    require('node:worker_threads').parentPort.postMessage(0);
    setInterval(() => {}, 1e6);
  }
`.replaceAll('__filename', 'process.argv[1], { eval: true }');

describe('CPU time of a process', { skip: process.platform !== 'linux' }, () => {
  const child = spawn(process.execPath, ['-e', busyThread, '--', busyThread], { stdio: ['pipe', 'pipe', 'inherit'] });
  const pid = child.pid ?? 0;
  let ownAccountUs = 0;

  before(async () => {
    const [line] = await once(child.stdout, 'data');
    const usage = JSON.parse(String(line));
    ownAccountUs = usage.user + usage.system;
  });

  after(() => {
    child.kill();
  });

  it('holds the time of every thread', () => {
    assert.ok(ownAccountUs > 200_000, `the child was busy for ${ownAccountUs} us`);
    const seen = cpuTimeUs([pid]);
    assert.ok(
      Math.abs(seen - ownAccountUs) < 0.3 * ownAccountUs,
      `${seen} us seen, ${ownAccountUs} us by its own account`,
    );
  });

  it('agrees with the coarse account that every kernel keeps', () => {
    const fine = cpuTimeUs([pid]);
    assert.ok(Math.abs(tickCpuTimeUs(pid) - fine) < 0.3 * fine + 20_000);
  });

  it('adds up over several processes and counts nothing for one that has ended', () => {
    const one = cpuTimeUs([pid]);
    const two = cpuTimeUs([pid, pid, 2 ** 22 + 1]);
    assert.ok(two >= 2 * one && two < 2.5 * one + 10_000);
    assert.equal(cpuTimeUs([2 ** 22 + 1]), 0);
  });

  it('sees resident memory as the process itself does', () => {
    const seen = residentBytes([process.pid]);
    assert.ok(Math.abs(seen - process.memoryUsage.rss()) < 20e6);
  });

  it('finds the children of a process', () => {
    assert.deepEqual(processTree(pid), [pid]);
    assert.ok(processTree(process.pid).includes(pid));
  });

  it('reads the ticks of the machine', () => {
    const { total, stolen } = machineTicks();
    assert.ok(total > 0 && stolen >= 0 && stolen < total);
  });
});
