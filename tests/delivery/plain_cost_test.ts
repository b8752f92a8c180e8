/** What a publish costs that asks for nothing: exactly what it cost before there was more to ask for. */

import assert from "node:assert/strict";
import type { Store } from "../../core/store.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { PipelineBench } from "../support/pipeline.ts";

/** Counts the operations of a store from now on. */
function countOperations(store: Store) {
  const counts = { get: 0, getMany: 0, list: 0, commits: [] as string[] };
  const { get, getMany, list, commit } = store;
  store.get = (key) => (counts.get++, get.call(store, key)) as ReturnType<typeof get<never>>;
  store.getMany = (keys) =>
    (counts.getMany++, getMany.call(store, keys)) as ReturnType<typeof getMany<never>>;
  store.list = (range) =>
    (counts.list++, list.call(store, range)) as ReturnType<typeof list<never>>;
  store.commit = (changes) => {
    const { sets = [], deletes = [] } = changes;
    counts.commits.push([
      ...sets.map(({ key }) => `+${key[0]}`),
      ...deletes.map((key) => `-${key[0]}`),
    ].join(" "));
    return commit.call(store, changes);
  };
  return counts;
}

Deno.test("a plain publish is one commit into the log and one into the ledger, and no read", async () => {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  await using bench = await new PipelineBench(clock, store).start();
  bench.subscribe("apn", "a");
  await bench.publish(); // reads the attributes of the user, which are cached from now on
  await bench.pass(10_000);
  const counts = countOperations(store);
  await bench.publish({}, 3);
  await bench.pass(10_000);
  assert.equal(bench.apn.arrivals.length, 4);
  const none = { get: 0, getMany: 0, list: 0 };
  assert.deepEqual(counts, { ...none, commits: ["+log", "+ledger -log"] });
});
