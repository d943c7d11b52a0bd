// What every identity source owes its users, whatever it draws from. A source passes by `proveIdentitySource`.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import type { IdentitySnapshot, IdentitySource } from '../../src/identity/source.ts';

/** A source under test, and how its world changes. */
export interface SourceUnderTest {
  readonly source: IdentitySource;
  /** Makes the next refresh find a new SVID. */
  readonly rotate: () => Promise<void>;
  /** Makes the next refresh find something that cannot be used. */
  readonly breakIt: () => Promise<void>;
  /** Codes that were told as refused so far. */
  readonly refused: () => readonly string[];
  /** What subscribers threw so far. */
  readonly thrown: () => readonly unknown[];
  readonly close: () => Promise<void>;
}

/** Registers the tests of the contract. */
export function proveIdentitySource(name: string, open: () => Promise<SourceUnderTest>): void {
  const proof = (claim: string, prove: (one: SourceUnderTest) => Promise<void>) =>
    test(claim, async () => {
      const one = await open();
      try {
        await prove(one);
      } finally {
        await one.close();
      }
    });

  describe(`identity source ${name}`, () => {
    proof('is open with a whole snapshot that its own bundle vouches for', async ({ source }) => {
      const { revision, svid, bundles } = source.current;
      assert.equal(revision, 1);
      assert.ok(bundles.get(svid.id.trustDomain), 'a bundle of the own trust domain');
      assert.ok(svid.notAfterMs > svid.notBeforeMs);
      assert.ok(svid.certificates[0]?.checkPrivateKey((await import('node:crypto')).createPrivateKey(svid.keyPem)));
    });

    proof('publishes a rotated SVID once, with a higher revision, as a frozen value', async ({ source, rotate }) => {
      const before = source.current;
      const heard: IdentitySnapshot[] = [];
      source.subscribe((next) => heard.push(next));
      await rotate();
      await source.refresh();
      assert.equal(heard.length, 1);
      assert.equal(heard[0], source.current);
      assert.ok(source.current.revision > before.revision);
      assert.notEqual(source.current.svid.serial, before.svid.serial);
      assert.ok(Object.isFrozen(source.current) && Object.isFrozen(source.current.svid));
    });

    proof('keeps the last good snapshot, rejects and tells the code where the new one cannot be used', async (one) => {
      const before = one.source.current;
      await one.breakIt();
      await assert.rejects(one.source.refresh(), (error: { code?: string }) => {
        assert.ok(one.refused().includes(error.code ?? ''), `${error.code} was told`);
        return true;
      });
      assert.equal(one.source.current, before);
    });

    proof(
      'goes on after a refusal as soon as what it draws from is right again',
      async ({ source, breakIt, rotate }) => {
        const before = source.current;
        await breakIt();
        await source.refresh().catch(() => {});
        await rotate();
        await source.refresh();
        assert.notEqual(source.current.svid.serial, before.svid.serial);
      },
    );

    proof('a subscriber that throws keeps nobody from hearing', async ({ source, rotate, thrown }) => {
      const heard: number[] = [];
      source.subscribe(() => {
        throw new Error('subscriber');
      });
      source.subscribe((next) => heard.push(next.revision));
      await rotate();
      await source.refresh();
      assert.equal(heard.length, 1);
      assert.equal(thrown().length, 1);
    });

    proof('whoever unsubscribed hears no more', async ({ source, rotate }) => {
      let heard = 0;
      source.subscribe(() => heard++)();
      await rotate();
      await source.refresh();
      assert.equal(heard, 0);
    });

    proof('refreshes that are asked for at once are done one after the other', async ({ source, rotate }) => {
      await rotate();
      const revisions: number[] = [];
      source.subscribe((next) => revisions.push(next.revision));
      await Promise.all([source.refresh(), source.refresh(), source.refresh()]);
      assert.deepEqual(
        revisions,
        [...revisions].sort((a, b) => a - b),
      );
      assert.equal(new Set(revisions).size, revisions.length);
    });

    proof('the key is never printed', async ({ source }) => {
      const secret = source.current.svid.keyPem.split('\n')[1]!;
      const printed = [
        JSON.stringify(source.current),
        inspect(source.current, { depth: 9, showHidden: true }),
        String(source.current.svid),
      ];
      for (const text of printed) assert.ok(!text.includes(secret) && !text.includes('PRIVATE KEY'));
      assert.ok(!Object.keys({ ...source.current.svid }).includes('keyPem'));
    });

    proof('a closed source publishes nothing more', async ({ source, rotate }) => {
      let heard = 0;
      source.subscribe(() => heard++);
      await source.close();
      await rotate();
      await source.refresh().catch(() => {});
      assert.equal(heard, 0);
    });
  });
}
