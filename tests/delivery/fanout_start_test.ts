/** When a notification to many users begins, on a data file with a journal. */

import assert from "node:assert/strict";
import { openStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { PipelineBench, PUBLISHER } from "../support/pipeline.ts";
import { until } from "../support/until.ts";
import { giveAudience, names, readFrom } from "./_audience.ts";

/** The files of the journal; a checkpoint removes those that it has brought to the data file. */
function journalOf(folder: string): readonly string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.includes("-journal-")).sort();
}

Deno.test("a fan-out begins without waiting until all that was accepted before is in the data file", async () => {
  const folder = await Deno.makeTempDir();
  // Time stands still, so that there is no checkpoint unless one is asked for.
  const clock = new FakeClock();
  const store = await openStore(`kv:${folder}/x.kv`, { clock, random: Math.random });
  try {
    await using bench = await new PipelineBench(clock, store).start();
    const users = names(1_500);
    giveAudience(bench, users);
    const second = Promise.withResolvers<void>();
    bench.readAudience = async (audience, page) => {
      if (page.after !== undefined) await second.promise; // the job has not ended yet
      return await readFrom(users)(audience, page);
    };
    const draft = { context: "1", user: users[0]!, topic: "x", data: "{}" };
    await bench.pipeline.publish(PUBLISHER, { drafts: [draft] });
    const before = journalOf(folder);
    assert.equal(before.length, 1);

    const drafts = [{ ...draft, user: "", audience: { kind: "everyone" } as const }];
    await bench.pipeline.publish(PUBLISHER, { drafts, alone: true });
    await until("the first page is sent", async () => {
      await bench.pass(0);
      return bench.apn.arrivals.length === 1 + 1_000;
    });
    assert.deepEqual(journalOf(folder), before);
    second.resolve();
    await until("all are sent", async () => {
      await bench.pass(0);
      return bench.apn.arrivals.length === 1 + users.length;
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
