import assert from "node:assert/strict";
import { createIdSource } from "../../core/ids.ts";
import { DueQueue, type JobResult } from "../../delivery/due_queue.ts";
import { GroupCommit, MemoryStore } from "../../store/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { mortalClock } from "../support/mortal_clock.ts";

interface Job {
  readonly name: string;
  readonly tries: number;
}

function setUp(clock = new FakeClock(), store = new MemoryStore({ clock })) {
  const life = mortalClock(clock);
  const faults: unknown[] = [];
  const group = new GroupCommit(store, { clock: life });
  const queue = new DueQueue<Job>({
    ...{ store, prefix: "retry", maxRunning: 3, horizonMs: 3_600_000 },
    commit: (changes) => group.commit(changes),
    clock: life,
    ids: createIdSource(clock),
    onFault: (thrown) => faults.push(thrown),
  });
  return { clock, store, queue, faults, kill: life.kill };
}

function job(name: string, atMs: number) {
  return { job: { name, tries: 0 }, atMs };
}

/** Notes the names of the jobs it is given, and is done with each. */
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

Deno.test("jobs are handed out in the order of their times, and not before", async () => {
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

Deno.test("a job that wants to be tried again comes back, as it was left, at its time", async () => {
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

Deno.test("no more jobs run at once than allowed, and all get their turn", async () => {
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

Deno.test("a restart forgets nothing, and what was at work is worked on again", async () => {
  const first = setUp();
  await first.queue.start(() => new Promise(() => {}));
  const now = first.clock.now();
  await first.queue.schedule([job("at work", now), job("waiting", now + 60_000)]);
  await pass(first.clock, 0);
  first.kill();
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
