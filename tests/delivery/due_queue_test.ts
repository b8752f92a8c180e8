import assert from "node:assert/strict";
import { createIdSource } from "../../core/ids.ts";
import type { Store } from "../../core/store.ts";
import { DueQueue } from "../../delivery/due_queue.ts";
import type { JobResult } from "../../delivery/job_claims.ts";
import { GroupCommit, MemoryStore } from "../../store/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { processClock } from "../support/process_clock.ts";
import { sharedView } from "../support/shared_store.ts";

interface Job {
  readonly name: string;
  readonly tries: number;
}

function setUp(clock = new FakeClock(), store: Store = new MemoryStore({ clock })) {
  const life = processClock(clock);
  const faults: unknown[] = [];
  const group = new GroupCommit(store, { clock: life });
  const queue = new DueQueue<Job>({
    ...{ store, prefix: "retry", maxRunning: 3, horizonMs: 3_600_000 },
    commit: (changes) => group.commit(changes),
    clock: life,
    ids: createIdSource(clock),
    onFault: (thrown) => faults.push(thrown),
  });
  return { clock, store, queue, faults, life };
}

function job(name: string, atMs: number) {
  return { job: { name, tries: 0 }, atMs };
}

/** Records the names of its jobs, and finishes each one. */
function recorder() {
  const names: string[] = [];
  return {
    names,
    handle: ({ name }: Job): Promise<JobResult<Job>> => {
      names.push(name);
      return Promise.resolve({ done: true });
    },
  };
}

async function pass(clock: FakeClock, ms: number): Promise<void> {
  await clock.advance(ms);
  await settle(10);
}

Deno.test("jobs run in the order of their due times, and not before", async () => {
  const { queue, clock } = setUp();
  const { names, handle } = recorder();
  await queue.start(handle);
  const now = clock.now();
  await queue.schedule([job("late", now + 2000), job("early", now + 1000)]);
  await pass(clock, 999);
  assert.deepEqual(names, []);
  await pass(clock, 1);
  assert.deepEqual(names, ["early"]);
  await pass(clock, 1000);
  assert.deepEqual(names, ["early", "late"]);
  assert.equal(queue.waiting, 0);
  await queue.stop();
});

Deno.test("a job that asks for a retry runs again at its time, with its new content", async () => {
  const { queue, clock } = setUp();
  const seen: number[] = [];
  await queue.start((each) => {
    seen.push(each.tries);
    return Promise.resolve(
      each.tries === 2
        ? { done: true }
        : { done: false, job: { ...each, tries: each.tries + 1 }, atMs: clock.now() + 500 },
    );
  });
  await queue.schedule([job("a", clock.now())]);
  await pass(clock, 400);
  assert.deepEqual(seen, [0]);
  await pass(clock, 5000);
  assert.deepEqual(seen, [0, 1, 2]);
  await queue.stop();
});

Deno.test("no more jobs run at once than allowed, and all run", async () => {
  const { queue, clock } = setUp();
  let running = 0;
  let most = 0;
  let done = 0;
  const ends: (() => void)[] = [];
  await queue.start(async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => ends.push(resolve));
    running--;
    done++;
    return { done: true };
  });
  await queue.schedule(Array.from({ length: 10 }, (_, n) => job(String(n), clock.now())));
  while (done < 10) {
    await pass(clock, 0);
    for (const end of ends.splice(0)) end();
  }
  assert.equal(most, 3);
  await queue.stop();
});

Deno.test("a job that goes on at once gives its place up only where others may wait for it", async () => {
  const { queue, clock, store } = setUp();
  const seen: string[] = [];
  let commits = 0;
  const commit = store.commit.bind(store);
  store.commit = (changes) => (commits++, commit(changes));
  await queue.start(async (each): Promise<JobResult<Job>> => {
    seen.push(each.name);
    const isLast = seen.filter((name) => name === each.name).length === 3;
    await new Promise<void>((resolve) => clock.after(10, resolve));
    return isLast ? { done: true } : { done: false, job: each, atMs: clock.now() };
  });
  await queue.schedule([job("alone", clock.now())]);
  for (let turn = 0; turn < 4; turn++) await pass(clock, 10);
  assert.deepEqual(seen.splice(0), ["alone", "alone", "alone"]);
  assert.equal(commits, 2); // it was stored, and removed
  await queue.schedule(["a", "b", "c", "d"].map((name) => job(name, clock.now())));
  for (let turn = 0; turn < 12; turn++) await pass(clock, 10);
  assert.equal(seen.length, 12);
  assert.ok(seen.indexOf("d") < seen.lastIndexOf("a"), seen.join());
  assert.equal(queue.waiting, 0);
  await queue.stop();
});

Deno.test("a job that ends while a listing still contains it does not run again", async () => {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  // A data file behaves like this: a listing is slightly old when it is read.
  const list = store.list.bind(store);
  Object.assign(store, {
    async *list(options: Parameters<Store["list"]>[0]) {
      const entries = await Array.fromAsync(list(options));
      for (const entry of entries) {
        await settle();
        yield entry;
      }
    },
  });
  const { queue } = setUp(clock, store);
  const { names, handle } = recorder();
  const now = clock.now();
  await queue.schedule(Array.from({ length: 9 }, (_, at) => job(String(at), now + 1000 + at)));
  await queue.start(handle);
  await pass(clock, 2000);
  await settle(200);
  assert.deepEqual(names, Array.from({ length: 9 }, (_, at) => String(at)));
});

Deno.test("a restart loses no job, and jobs that were running run again", async () => {
  const first = setUp();
  await first.queue.start(() => new Promise(() => {}));
  const now = first.clock.now();
  await first.queue.schedule([job("at work", now), job("waiting", now + 60_000)]);
  await pass(first.clock, 0);
  first.life.kill();
  const { queue, clock } = setUp(first.clock, first.store);
  const { names, handle } = recorder();
  await queue.start(handle);
  assert.equal(queue.waiting, 2);
  await pass(clock, 60_000);
  assert.deepEqual(names, ["at work", "waiting"]);
  await queue.stop();
});

Deno.test("a job stored before the clock was set back by a year does not wait for a year", async () => {
  const { queue, clock } = setUp();
  const { names, handle } = recorder();
  await queue.schedule([job("a", clock.now() + 1000)]);
  clock.jump(-365 * 86_400_000);
  await queue.start(handle);
  await pass(clock, 0);
  assert.deepEqual(names, ["a"]);
  await queue.stop();
});

Deno.test("a handler that throws keeps its job for later", async () => {
  const { queue, clock, faults } = setUp();
  let tries = 0;
  await queue.start(() => {
    if (++tries === 1) throw new TypeError("bug");
    return Promise.resolve({ done: true });
  });
  await queue.schedule([job("a", clock.now())]);
  await pass(clock, 0);
  assert.deepEqual([tries, faults.length], [1, 1]);
  await pass(clock, 5000);
  assert.equal(tries, 2);
  await queue.stop();
});

/** Two processes over one store, each with the jobs that it ran. */
async function setUpTwo() {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const both = [1, 2].map(() => ({ ...setUp(clock, sharedView(store)), ...recorder() }));
  for (const { queue, handle } of both) await queue.start(handle);
  const [one, other] = both as [typeof both[0] & object, typeof both[0] & object];
  async function left(): Promise<number> {
    let count = 0;
    for await (const _ of store.list({ prefix: ["retry"] })) count++;
    return count;
  }
  return { clock, store, one, other, left };
}

Deno.test("of two processes that share a store, exactly one runs each job", async () => {
  const { clock, one, other, left } = await setUpTwo();
  const now = clock.now();
  const jobs = Array.from({ length: 75 }, (_, n) => job(String(n), now + Math.max(0, n - 25) * 20));
  await Promise.all([one.queue.stop(), other.queue.stop()]);
  await one.queue.schedule(jobs.slice(0, 50));
  await other.queue.schedule(jobs.slice(50));
  await Promise.all([one.queue.start(one.handle), other.queue.start(other.handle)]);
  for (let n = 0; n < 30; n++) await pass(clock, 100);
  const done = [...one.names, ...other.names].map(Number).sort((a, b) => a - b);
  assert.deepEqual(done, jobs.map((_, n) => n));
  assert.deepEqual([await left(), one.faults, other.faults], [0, [], []]);
  await Promise.all([one.queue.stop(), other.queue.stop()]);
});

Deno.test("a job stored by another process runs within about a second", async () => {
  const { clock, one, other } = await setUpTwo();
  await one.queue.stop();
  await one.queue.schedule([job("a", clock.now() + 500)]);
  await pass(clock, 400);
  assert.deepEqual(other.names, []);
  await pass(clock, 1100);
  assert.deepEqual(other.names, ["a"]);
  await other.queue.stop();
});

Deno.test("another process runs the job of a dead one after the lease", async () => {
  const clock = new FakeClock();
  const store = new MemoryStore({ clock });
  const dead = setUp(clock, sharedView(store));
  const seen: string[] = [];
  await dead.queue.start(({ name }) => {
    seen.push(name);
    return new Promise(() => {});
  });
  await dead.queue.schedule([job("a", clock.now())]);
  await pass(clock, 10);
  assert.deepEqual(seen, ["a"]);
  dead.life.kill();
  const successor = { ...setUp(clock, sharedView(store)), ...recorder() };
  await successor.queue.start(successor.handle);
  await pass(clock, 119_000);
  assert.deepEqual(successor.names, []);
  await pass(clock, 3_000);
  assert.deepEqual(successor.names, ["a"]);
  await successor.queue.stop();
});

Deno.test("a job that takes longer than the lease does not run on another process", async () => {
  const { clock, one, other, left } = await setUpTwo();
  await other.queue.stop();
  let end!: () => void;
  await one.queue.start(() => new Promise((resolve) => end = () => resolve({ done: true })));
  await one.queue.schedule([job("slow", clock.now())]);
  await pass(clock, 1_500);
  await other.queue.start(other.handle);
  for (let minute = 0; minute < 10; minute++) await pass(clock, 60_000);
  assert.deepEqual([other.names, await left()], [[], 1]);
  end();
  await pass(clock, 0);
  assert.equal(await left(), 0);
  await Promise.all([one.queue.stop(), other.queue.stop()]);
});

Deno.test("a paused process does not change jobs that others have finished since", async () => {
  const { clock, one, other, left } = await setUpTwo();
  let end!: (result: JobResult<Job>) => void;
  await one.queue.start(() => new Promise((resolve) => end = resolve));
  await other.queue.stop();
  await one.queue.schedule([job("a", clock.now())]);
  await pass(clock, 1_500);
  one.life.pause();
  await other.queue.start(other.handle);
  await pass(clock, 130_000);
  assert.deepEqual(other.names, ["a"]);
  one.life.resume();
  end({ done: false, job: { name: "a", tries: 1 }, atMs: clock.now() });
  await pass(clock, 10_000);
  assert.deepEqual([other.names, await left(), one.faults], [["a"], 0, []]);
  await Promise.all([one.queue.stop(), other.queue.stop()]);
});

Deno.test("on a shared store, too, a job can be postponed, and survives a handler that throws", async () => {
  const { clock, one, other, left } = await setUpTwo();
  await other.queue.stop();
  const tries: number[] = [];
  await one.queue.start((each) => {
    tries.push(each.tries);
    if (tries.length === 1) throw new TypeError("bug");
    return Promise.resolve(
      each.tries === 1
        ? { done: true }
        : { done: false, job: { ...each, tries: 1 }, atMs: clock.now() + 60_000 },
    );
  });
  await one.queue.schedule([job("a", clock.now())]);
  assert.equal(one.queue.waiting, 0); // it is due
  for (let second = 0; second < 10; second++) await pass(clock, 1_000);
  assert.deepEqual(tries, [0, 0]);
  assert.equal(one.queue.waiting, 1);
  for (let second = 0; second < 60; second++) await pass(clock, 1_000);
  assert.deepEqual([tries, await left(), one.queue.waiting], [[0, 0, 1], 0, 0]);
  await one.queue.stop();
});

Deno.test("on a shared store, too, a job stored by a clock a year ahead does not wait", async () => {
  const { clock, one, other } = await setUpTwo();
  await one.queue.stop();
  await one.queue.schedule([job("a", clock.now() + 365 * 86_400_000)]);
  for (let second = 0; second < 62; second++) await pass(clock, 1_000);
  assert.deepEqual(other.names, ["a"]);
  await other.queue.stop();
});
