import assert from "node:assert/strict";
import { Batcher } from "../../core/batcher.ts";
import { settle } from "../support/fake_clock.ts";

/** A writer whose batches end when the test says so, and the batches so far. */
function create(
  batchSize: (waiting: readonly string[]) => number = ({ length }) => length,
) {
  const batches: (readonly string[])[] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const writer = new Batcher<string, string>({
    async run(batch) {
      batches.push(batch);
      const end = Promise.withResolvers<void>();
      ends.push(end);
      await end.promise;
      return batch.map((item) => item.toUpperCase());
    },
    batchSize,
  });
  return {
    writer,
    batches,
    async end(thrown?: Error) {
      await settle();
      const end = ends.shift()!;
      if (thrown) end.reject(thrown);
      else end.resolve();
      await settle();
    },
  };
}

Deno.test("items that arrive while a batch is written go together in the next, each with its result", async () => {
  const { writer, batches, end } = create();
  const first = writer.add("a");
  await settle();
  const others = Promise.all([writer.add("b"), writer.add("c")]);
  await end();
  assert.equal(await first, "A");
  await end();
  assert.deepEqual(await others, ["B", "C"]);
  assert.deepEqual(batches, [["a"], ["b", "c"]]);
});

Deno.test("a batch is cut where the caller says, in the order of the calls", async () => {
  const { writer, batches, end } = create(({ length }) => Math.min(length, 2));
  const all = Promise.all(
    ["a", "b", "c", "d", "e"].map((item) => writer.add(item)),
  );
  for (let batch = 0; batch < 3; batch++) await end();
  assert.deepEqual(await all, ["A", "B", "C", "D", "E"]);
  assert.deepEqual(batches, [["a", "b"], ["c", "d"], ["e"]]);
});

Deno.test("a failed batch rejects its own calls and no others", async () => {
  const { writer, end } = create(() => 1);
  const results = Promise.allSettled([writer.add("a"), writer.add("b")]);
  await end(new Error("broken"));
  await end();
  assert.deepEqual((await results).map(({ status }) => status), [
    "rejected",
    "fulfilled",
  ]);
});

Deno.test("drain() resolves once everything is written, also after a failure", async () => {
  const { writer, batches, end } = create(() => 1);
  await writer.drain();
  const results = Promise.allSettled([writer.add("a"), writer.add("b")]);
  let isDrained = false;
  void writer.drain().then(() => isDrained = true);
  await end(new Error("broken"));
  assert.equal(isDrained, false);
  await end();
  assert.equal(isDrained, true);
  assert.equal(batches.length, 2);
  await results;
});
