/** The list of notifications with those that are scheduled and those to many users. */

import assert from "node:assert/strict";
import type { LedgerPage, LedgerQuery } from "../../core/ledger_list.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { ReadAudience } from "../../delivery/mod.ts";
import { PipelineBench, PUBLISHER } from "../support/pipeline.ts";

const HOUR_MS = 3_600_000;

function readAudience(): ReturnType<ReadAudience> {
  return Promise.resolve({ users: ["a", "b"] });
}

async function toMany(bench: PipelineBench, fields: Record<string, unknown> = {}) {
  const draft = { context: "1", user: "", topic: "x", data: "{}", ...fields };
  const drafts = [{ ...draft, audience: { kind: "everyone" } as const }];
  const { ids } = await bench.pipeline.publish(PUBLISHER, { drafts, alone: true });
  return ids[0]!;
}

function later(bench: PipelineBench, fields: Record<string, unknown> = {}) {
  const deliverAt = new Date(bench.clock.now() + HOUR_MS).toISOString();
  return bench.publish({ deliverAt, ...fields });
}

/** All pages, which must be in order and without repeats, as ids and states. */
async function all(bench: PipelineBench, query: Omit<LedgerQuery, "limit">, limit = 2) {
  const found: string[] = [];
  let page: LedgerPage | undefined;
  let last = "~";
  do {
    page = await bench.pipeline.list({
      ...{ ...query, limit },
      ...(page?.next !== undefined && { before: page.next }),
    });
    assert.ok(page.items.length <= limit);
    for (const item of page.items) {
      assert.ok(item.id < last, "the newest first, each once");
      last = item.id;
      found.push(`${item.id} ${"state" in item ? item.state : "in_flight"}`);
    }
  } while (page.next !== undefined);
  return found;
}

Deno.test("scheduled ones and those to many users are among the others, in one order", async () => {
  const bench = new PipelineBench();
  bench.readAudience = readAudience;
  await using t = await bench.start();
  const ids: string[] = [];
  for (let round = 0; round < 3; round++) {
    ids.push(await t.publish({ data: `{"n":${round}}` }));
    ids.push(await later(t));
    await t.pass(2_000);
  }
  const many = await toMany(t);
  await t.pass(5_000);
  const listed = await all(t, {});
  const parts = listed.filter((each) => !ids.concat(many).includes(each.split(" ")[0]!));
  assert.equal(parts.length, 2, "the notifications of the two users");
  const named = listed.filter((each) => !parts.includes(each));
  assert.deepEqual(
    named.map((each) => each.split(" ")[0]),
    [many, ...ids.toReversed()],
  );
  assert.deepEqual(
    await all(t, { state: "scheduled" }),
    [5, 3, 1].map((at) => `${ids[at]} scheduled`),
  );
  assert.deepEqual(await all(t, { state: "scheduled", user: "nobody" }), []);
  assert.deepEqual(await all(t, { state: "scheduled", context: "9" }), []);
  assert.deepEqual(await all(t, { state: "scheduled", contexts: new Set(["9"]) }), []);
});

Deno.test("what is cancelled stays in the list, and what is delivered is there under its new id", async () => {
  await using t = await new PipelineBench().start();
  const cancelled = await later(t);
  const delivered = await later(t);
  await t.pipeline.takeBack.cancel(await t.pipeline.find(cancelled) as LedgerRecord);
  assert.deepEqual(await all(t, {}), [`${delivered} scheduled`, `${cancelled} cancelled`]);
  assert.deepEqual(await all(t, { state: "cancelled" }), [`${cancelled} cancelled`]);
  await t.pass(HOUR_MS + 5_000);
  const { deliveredAs } = await t.pipeline.find(delivered) as LedgerRecord;
  assert.deepEqual(await all(t, {}), [`${deliveredAs} suppressed`, `${cancelled} cancelled`]);
});

Deno.test("a page reads some of many scheduled ones, says that it stopped, and the next goes on", async () => {
  await using t = await new PipelineBench().start();
  const rare = await later(t, { user: "rare" });
  const data = JSON.stringify({ text: "x".repeat(40_000) });
  for (let n = 0; n < 600; n++) await later(t, { data });
  const first = await t.pipeline.list({ context: "1", user: "rare", state: "scheduled", limit: 5 });
  assert.deepEqual([first.items, first.stopped], [[], true]);
  assert.ok(first.searched < 600);
  assert.deepEqual(await all(t, { context: "1", user: "rare", state: "scheduled" }), [
    `${rare} scheduled`,
  ]);
});

Deno.test("one to many users that is scheduled is shown with its time, and can be cancelled", async () => {
  const bench = new PipelineBench();
  bench.readAudience = readAudience;
  await using t = await bench.start();
  const deliverAt = new Date(t.clock.now() + HOUR_MS).toISOString();
  const id = await toMany(t, { deliverAt });
  const [item] = (await t.pipeline.list({ state: "scheduled", limit: 10 })).items;
  assert.equal(item?.id, id);
  assert.equal((item as LedgerRecord).deliverAt, Date.parse(deliverAt));
  await t.pipeline.takeBack.cancel(item as LedgerRecord);
  assert.deepEqual(await all(t, {}), [`${id} cancelled`]);
});
