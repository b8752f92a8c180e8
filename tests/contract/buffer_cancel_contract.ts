/** The contract of every buffer for cancellations. */

import assert from "node:assert/strict";
import type { Buffer } from "../../buffer/mod.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import { DEFAULTS, type Rule } from "./_buffer_bench.ts";

/** Cancels notifications; the records that were reported. */
async function cancel(
  { buffer }: { readonly buffer: Buffer },
  given: readonly Notification[],
): Promise<readonly LedgerRecord[]> {
  const reported: LedgerRecord[] = [];
  await buffer.cancel(given, (record) => void reported.push(record));
  return reported;
}

/** Registers the rules. */
export function testCancel(test: Rule): void {
  test("what waits for its delay is cancelled, durably, and the rest is handed over", async (bench) => {
    const given = Array.from({ length: 40 }, (_, n) =>
      bench.make({
        ...{ user: `user ${n % 8}`, data: JSON.stringify({ n }), options: { fanout: `${n}` } },
      }));
    await bench.buffer.put(given);
    const [cancelled, kept] = [given.slice(0, 20), given.slice(20)];
    const reported = await cancel(bench, cancelled);
    assert.deepEqual(
      reported.map(({ id, state, fanout }) => [id, state, fanout]).sort(),
      cancelled.map(({ id, options }) => [id, "cancelled", options?.fanout]).sort(),
    );
    assert.equal(await bench.crash(), 20);
    await bench.pass(1500);
    assert.deepEqual(bench.handled.map(({ id }) => id).sort(), kept.map(({ id }) => id));
    for (const { id } of cancelled) {
      assert.equal((await bench.buffer.find(id) as LedgerRecord).state, "cancelled");
    }
    await bench.pass(1500);
    assert.equal(bench.buffer.depth().inFlight, 0);
  });

  test("a cancelled one takes those with it that were merged into it, and they say so", async (bench) => {
    const [older, newer] = [bench.make(), bench.make()];
    await bench.buffer.put([older]);
    await bench.buffer.put([newer]);
    assert.deepEqual(await cancel(bench, [older]), [], "it is the newer one's now");
    const reported = await cancel(bench, [newer]);
    assert.deepEqual(reported.map(({ id, state, mergedInto }) => [id, state, mergedInto]), [
      [newer.id, "cancelled", undefined],
      [older.id, "suppressed", newer.id],
    ]);
    const later = bench.make();
    await bench.buffer.put([later]);
    await bench.pass(1500);
    assert.deepEqual(bench.handled.map(({ id }) => id), [later.id]);
    assert.equal((await bench.buffer.find(older.id) as LedgerRecord).mergedInto, newer.id);
  });

  test("what was handed over, or is unknown, is not cancelled", async (bench) => {
    bench.settleAtOnce = false;
    const one = bench.make();
    await bench.buffer.put([one]);
    await bench.pass(1500);
    assert.deepEqual(await cancel(bench, [one, { ...one, id: bench.ids() }]), []);
    bench.buffer.release(one.id);
    await bench.pass(100);
    assert.deepEqual(await cancel(bench, [one]), [], "it may have been sent");
    await bench.pass(2500);
    assert.equal(bench.handled.length, 2);
  });

  test("what waits for a job is cancelled, too", async (bench) => {
    bench.settings = { ...DEFAULTS, delayDuration: 0, maxDelayDuration: 0, numProcessorThreads: 1 };
    const given = Array.from(
      { length: 600 },
      (_, n) => bench.make({ context: String(n % 3), user: "3", data: JSON.stringify({ n }) }),
    );
    let reported: readonly LedgerRecord[] = [];
    let cancelling: Promise<void> | undefined;
    bench.onBatch = () => {
      cancelling ??= cancel(bench, given).then((records) => void (reported = records));
    };
    await bench.buffer.put(given);
    await bench.pass(3000);
    await cancelling;
    const handled = new Set(bench.handled.map(({ id }) => id));
    // How many wait is a matter of time where the store is another process.
    assert.ok(handled.size > 0 && (reported.length > 0 || bench.under.idle !== undefined));
    assert.equal(reported.length + handled.size, given.length);
    assert.ok(reported.every(({ id }) => !handled.has(id)));
    assert.equal(bench.buffer.depth().inFlight, 0);
  });

  test("a cancellation that cannot be written is reported as such", async (bench) => {
    const one = bench.make();
    await bench.buffer.put([one]);
    bench.under.breakStore(true);
    await assert.rejects(cancel(bench, [one]), { code: "store_unavailable" });
    bench.under.breakStore(false);
    await bench.pass(5000);
    const found = await bench.buffer.find(one.id) as LedgerRecord;
    assert.equal(found.state === "cancelled", bench.handled.length === 0);
  });
}
