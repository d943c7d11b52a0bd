// When the heap is collected, and when it is left alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuietCollection, quietCollectionDefaults } from '../../src/lib/quiet-collection.ts';

const mebibyte = 1024 * 1024;

/** A process of which each look sees what the test says. */
function createProcess() {
  const state = { cpuMs: 0, nowMs: 0, heapUsed: 0, collections: 0, returns: 0, live: 10 * mebibyte };
  const collection = new QuietCollection({
    ...quietCollectionDefaults,
    collect: () => {
      state.collections++;
      state.cpuMs += 60;
      state.nowMs += 60;
      state.heapUsed = state.live;
    },
    giveBack: () => {
      state.returns++;
      state.cpuMs += 40;
      state.nowMs += 40;
    },
    heapUsed: () => state.heapUsed,
    cpuMs: () => state.cpuMs,
    nowMs: () => state.nowMs,
  });
  const look = (share: number, count = 1) => {
    for (let n = 0; n < count; n++) {
      state.nowMs += quietCollectionDefaults.everyMs;
      state.cpuMs += share * quietCollectionDefaults.everyMs;
      collection.look();
    }
  };
  return { state, look };
}

/** One that has collected the garbage of its start. */
function createStarted() {
  const { state, look } = createProcess();
  state.heapUsed = 30 * mebibyte;
  look(0, 3);
  assert.deepEqual([state.collections, state.returns], [1, 1]);
  return { state, look };
}

test('the garbage of the start goes at the first idle look', () => {
  const { state, look } = createProcess();
  state.heapUsed = 30 * mebibyte;
  look(0.9, 3);
  assert.equal(state.collections, 0);
  look(0.01);
  assert.equal(state.collections, 1);
});

test('after a burst it takes four idle looks in a row', () => {
  const { state, look } = createStarted();
  state.heapUsed = 100 * mebibyte;
  look(0.5);
  look(0, 3);
  look(0.03);
  look(0, 3);
  assert.equal(state.collections, 1);
  look(0);
  assert.equal(state.collections, 2);
});

test('under load nothing is collected, however much there is', () => {
  const { state, look } = createStarted();
  state.heapUsed = 500 * mebibyte;
  look(0.05, 1000);
  assert.equal(state.collections, 1);
});

test('little garbage is left where it is', () => {
  const { state, look } = createStarted();
  state.heapUsed = state.live + 7 * mebibyte;
  look(0.15);
  look(0, 100);
  assert.equal(state.collections, 1);
});

test('connections that close leave garbage though nothing grows: after work that is worth it there is one collection', () => {
  const { state, look } = createStarted();
  look(0.3);
  look(0, 100);
  assert.equal(state.collections, 2);
});

test('a process that never does much at a time is left alone', () => {
  const { state, look } = createStarted();
  look(0.019, 10_000);
  assert.equal(state.collections, 1);
});

test('free memory of C is returned once after each collection, at the first look that finds it over and all quiet', () => {
  const { state, look } = createStarted();
  state.heapUsed = 100 * mebibyte;
  look(0, 4);
  assert.deepEqual([state.collections, state.returns], [2, 1]);
  look(0.9, 10);
  assert.equal(state.returns, 1);
  look(0, 100);
  assert.equal(state.returns, state.collections);
});

test('objects that live are not collected again and again', () => {
  const { state, look } = createStarted();
  state.live = 200 * mebibyte;
  state.heapUsed = 200 * mebibyte;
  look(0, 100);
  assert.equal(state.collections, 2);
});

test('a process whose machine has no time for it counts as idle: only its own CPU time counts', () => {
  const { state, look } = createStarted();
  state.heapUsed = 100 * mebibyte;
  state.nowMs += 60_000;
  look(0, 4);
  assert.equal(state.collections, 2);
});
