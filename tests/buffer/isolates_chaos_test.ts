/**
 * Processes that share a store start, pause, lose the store or its answers, stop and die, at times
 * that a seed decides. In the end everything accepted is settled, nothing was handed over as new
 * twice, and the log is empty.
 */

import assert from "node:assert/strict";
import { delivered } from "../contract/_buffer_bench.ts";
import { seeded } from "../support/seeded.ts";
import { type Isolate, Isolates, LEASE_MS, stateOf, test } from "./_isolates.ts";

const STEPS = 60;

/** Publishes some; returns no ids where the store does not answer, though it may have them. */
async function publish(isolate: Isolate, count: number): Promise<readonly string[]> {
  try {
    return await isolate.put(count);
  } catch {
    return [];
  }
}

async function run(all: Isolates, seed: number): Promise<void> {
  const random = seeded(seed);
  const chance = (share: number) => random() < share;
  const live = new Set<Isolate>();
  const seen: Isolate[] = [];
  const accepted: string[] = [];
  const skew = () => Math.floor((random() - 0.5) * LEASE_MS);

  async function addIsolate(): Promise<void> {
    const isolate = await all.add({ holds: true, skewMs: skew() });
    isolate.onHandled = (batch) => {
      const settle = () => batch.forEach((one) => isolate.buffer.settle(delivered(one)));
      if (chance(0.3)) isolate.clock.after(random() * 5_000, settle);
      else settle();
    };
    live.add(isolate);
    seen.push(isolate);
  }

  await addIsolate();
  for (let step = 0; step < STEPS; step++) {
    if (live.size < 4 && chance(0.3)) await addIsolate();
    for (const isolate of live) {
      if (isolate.clock.isPaused) {
        if (chance(0.2)) isolate.clock.resume();
        continue;
      }
      accepted.push(...await publish(isolate, 1 + Math.floor(random() * 3)));
      const die = random();
      if (die < 0.05) isolate.clock.pause();
      else if (die < 0.15) isolate.store.cutOff(chance(0.5));
      else if (die < 0.25) isolate.store.loseAnswers(chance(0.5));
      else if (die < 0.31) {
        live.delete(isolate);
        if (die < 0.28) isolate.clock.kill();
        else await isolate.stop().catch(() => {}); // it may have no store
      }
    }
    await all.pass(500 + random() * 4_000);
  }
  for (const isolate of live) {
    isolate.store.cutOff(false);
    isolate.store.loseAnswers(false);
    isolate.clock.resume();
  }
  await addIsolate();
  await all.pass(6 * LEASE_MS);

  const handed = seen.flatMap(({ handled, handovers }) =>
    handled.map(({ id }, index) => ({ id, isRepeat: handovers[index]!.isRepeat }))
  );
  const fresh = handed.filter(({ isRepeat }) => !isRepeat).map(({ id }) => id);
  assert.equal(new Set(fresh).size, fresh.length, "handed over as new twice");
  const once = new Set(handed.map(({ id }) => id));
  for (const id of accepted) assert.ok(once.has(id), `${id} was lost`);
  const last = seen.at(-1)!;
  for (const id of accepted) assert.equal(await stateOf(last, id), "delivered", id);
  for await (const { key } of all.store.list({ prefix: ["log"] })) assert.fail(String(key));
  for (const isolate of live) assert.equal(isolate.buffer.depth().inFlight, 0);
}

for (const seed of [1, 2, 3]) {
  test(`nothing is lost or left over, whatever happens to the processes (seed ${seed})`, (all) =>
    run(all, seed));
}
