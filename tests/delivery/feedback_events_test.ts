/** Events for publishers, read again from a cursor on. */

import assert from "node:assert/strict";
import type { LedgerRecord } from "../../core/ledger.ts";
import { PipelineBench } from "../support/pipeline.ts";

const NAME = { context: "1", user: "3" };

async function listed(bench: PipelineBench, after?: string) {
  return await bench.pipeline.feedback.list({ after, limit: 2 });
}

Deno.test("events are listed in pages, in order, each once, and not before they have settled", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "a");
  const ids = [];
  for (let n = 0; n < 5; n++) ids.push(await bench.publish({ receipts: true }));
  for (const id of ids) {
    bench.pipeline.reports.fromSocket({ ...NAME, id }, { client: "tab", id: "c1" }, "seen");
    await bench.pass(1_000);
  }
  const first = await listed(bench);
  assert.ok(first.length < 5, "the last five seconds are left out");
  await bench.pass(6_000);
  const seen: unknown[] = [];
  let page = await listed(bench);
  while (page.length > 0) {
    seen.push(...page.map(({ data }) => data["notification"]));
    page = await listed(bench, page.at(-1)!.id);
  }
  assert.deepEqual(seen, ids);
});

Deno.test("without retention nothing is stored for events", async () => {
  const properties =
    "com.openexchange.pns.delayDuration=0\nio.carillon.feedback.retentionHours=0\n";
  await using bench = await new PipelineBench(undefined, undefined, properties).start();
  const id = await bench.publish({ receipts: true });
  bench.pipeline.reports.fromSocket({ ...NAME, id }, { client: "tab", id: "c1" }, "seen");
  await bench.pass(10_000);
  for await (const { key } of bench.store.list({ prefix: ["feedbackEvent"] })) {
    assert.fail(String(key));
  }
  assert.deepEqual(await listed(bench), []);
});

Deno.test("each socket that acknowledges is in the record, and the publisher is told of the first", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "a");
  const id = await bench.publish({ receipts: true });
  await bench.pass(1_000);
  const names = ["c1", "c2", "c1", ...Array.from({ length: 30 }, (_, n) => `more-${n}`)];
  for (const name of names) {
    bench.pipeline.reports.fromSocket({ ...NAME, id }, { client: "tab", id: name }, "seen");
    await bench.pass(1_000);
  }
  await bench.pass(6_000);
  const { receipts = [] } = await bench.pipeline.find(id) as LedgerRecord;
  assert.equal(receipts.length, 16, "the record is bounded");
  assert.deepEqual(receipts.slice(0, 2).map(({ connection }) => connection), ["c1", "c2"]);
  assert.equal((await bench.pipeline.feedback.list({ after: undefined, limit: 10 })).length, 1);
});
