import assert from "node:assert/strict";
import { Processor } from "../../buffer/processor.ts";

const JOB_SIZE = 2;

function setUp({ concurrency = 10 } = {}) {
  /** What happened, in order: items of a job, or that I/O ran. */
  const happened: (readonly number[] | "I/O")[] = [];
  const processor = new Processor<number>({
    concurrency: () => concurrency,
    maxWaiting: () => 1000,
    jobSize: JOB_SIZE,
    tenantOf: () => "1",
    run: (items) => void happened.push(items),
    onFault: (thrown) => assert.fail(String(thrown)),
    yieldToEventLoop: () => Promise.resolve(void happened.push("I/O")),
  });
  return { processor, happened };
}

Deno.test("jobs of one moment take turns with I/O, from the first on", async () => {
  const { processor, happened } = setUp();
  processor.offer([1, 2, 3, 4, 5, 6]);
  await processor.idle();
  const jobs = happened.flatMap((each, at) => each === "I/O" ? [] : [at]);
  assert.equal(jobs.length, 3);
  for (const at of jobs.slice(1)) assert.ok(happened.slice(0, at).includes("I/O"));
});

Deno.test("a single item starts a single job, at once", async () => {
  const { processor, happened } = setUp();
  processor.offer([1]);
  assert.equal(processor.running, 1);
  await null;
  assert.deepEqual(happened, [[1]]);
  await processor.idle();
});

Deno.test("an item does not wait for a job that takes its time", async () => {
  const begun: number[] = [];
  const processor = new Processor<number>({
    concurrency: () => 2,
    maxWaiting: () => 1000,
    jobSize: JOB_SIZE,
    tenantOf: () => "1",
    run: ([item]) => {
      begun.push(item!);
      return item === 1 ? new Promise(() => {}) : undefined;
    },
    onFault: (thrown) => assert.fail(String(thrown)),
    yieldToEventLoop: () => Promise.resolve(),
  });
  processor.offer([1]);
  await null;
  processor.offer([2]);
  await null;
  assert.deepEqual(begun, [1, 2]);
});
