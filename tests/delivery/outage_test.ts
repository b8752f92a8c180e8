import assert from "node:assert/strict";
import type { Commit } from "../../core/store.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { PipelineBench } from "../support/pipeline.ts";

const NOTIFICATIONS = 2_000;
/** A commit of the store takes a thousand changes. */
const FULL = 1_000;

/** Counts the commits that store jobs of the retry queue, and the jobs. */
class CountingStore extends MemoryStore {
  commits = 0;
  jobs = 0;

  override commit(commit: Commit): Promise<boolean> {
    const jobs = commit.sets?.filter(({ key }) => key[0] === "retry").length ?? 0;
    this.jobs += jobs;
    if (jobs > 0) this.commits++;
    return super.commit(commit);
  }
}

Deno.test("the retries of an outage are written in groups, and so are those that fail again", async () => {
  const clock = new FakeClock();
  const store = new CountingStore({ clock });
  await using bench = await new PipelineBench(clock, store).start();
  bench.subscribe("apn", "phone");
  bench.apn.down = { kind: "retry", reason: "down" };
  for (let published = 0; published < NOTIFICATIONS; published += FULL) {
    await bench.publish({}, FULL);
  }
  const atMost = NOTIFICATIONS / 100;
  assert.equal(bench.pipeline.retriesWaiting(), NOTIFICATIONS);
  assert.equal(store.jobs, NOTIFICATIONS);
  assert.ok(store.commits <= atMost, `${store.commits} commits`);

  store.commits = store.jobs = 0;
  await bench.pass(20_000);
  assert.ok(store.jobs >= NOTIFICATIONS, `${store.jobs} jobs`);
  assert.ok(store.commits <= store.jobs / 100, `${store.commits} commits of ${store.jobs} jobs`);
  assert.equal(bench.pipeline.retriesWaiting(), NOTIFICATIONS);
});
