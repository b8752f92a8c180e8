import assert from "node:assert/strict";
import type { Outcome } from "../../core/outcome.ts";
import {
  type Attempt,
  type AttemptResult,
  ProviderQueue,
  type ProviderQueueSettings,
} from "../../delivery/provider_queue.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const SETTINGS: ProviderQueueSettings = {
  maxConcurrent: 2,
  maxPerSecond: 0,
  maxQueued: 3,
  timeoutMs: 10_000,
  breaker: { threshold: 2, openMs: 1000, maxOpenMs: 8000 },
};

/** Attempts that end when the test says so. */
class Provider {
  readonly under: { signal: AbortSignal; end(outcome: Outcome): void }[] = [];

  attempt = (signal: AbortSignal) =>
    new Promise<Outcome>((end) => this.under.push({ signal, end }));

  async endAll(outcome: Outcome): Promise<void> {
    for (const { end } of this.under.splice(0)) end(outcome);
    await settle();
  }
}

function setUp(settings: Partial<ProviderQueueSettings> = {}) {
  const clock = new FakeClock();
  const provider = new Provider();
  const queue = new ProviderQueue({
    ...{ clock, yieldToEventLoop: () => settle(1) },
    settings: () => ({ ...SETTINGS, ...settings }),
  });
  return { clock, provider, queue };
}

/** Resolves when the attempt ends. */
function submit(queue: ProviderQueue, run: Attempt["run"]): Promise<AttemptResult> {
  return new Promise((end) => queue.submit({ run, end }));
}

Deno.test("a queue limits concurrent attempts, and starts the next when one ends", async () => {
  const { queue, provider } = setUp();
  const all = [1, 2, 3].map(() => submit(queue, provider.attempt));
  assert.equal(provider.under.length, 2);
  await provider.endAll({ kind: "sent" });
  assert.equal(provider.under.length, 1);
  await provider.endAll({ kind: "sent" });
  assert.ok((await Promise.all(all)).every(({ wasAttempted }) => wasAttempted));
});

Deno.test("a queue knows the last attempt that ended, and not what it rejected itself", async () => {
  const { queue, provider, clock } = setUp({ maxQueued: 1, maxConcurrent: 1 });
  const all = [submit(queue, provider.attempt), submit(queue, provider.attempt)];
  await submit(queue, provider.attempt);
  const seen = [queue.last];
  for (const outcome of [{ kind: "gone", reason: "unregistered" }, { kind: "sent" }] as const) {
    await provider.endAll(outcome);
    seen.push(queue.last);
  }
  await Promise.all(all);
  const at = clock.monotonic();
  assert.deepEqual(seen, [
    undefined,
    { outcome: { kind: "gone", reason: "unregistered" }, at },
    { outcome: { kind: "sent" }, at },
  ]);
});

Deno.test("a full queue rejects at once, without an attempt", async () => {
  const { queue, provider } = setUp();
  const all = [1, 2, 3, 4, 5].map(() => submit(queue, provider.attempt));
  const { wasAttempted, outcome } = await submit(queue, provider.attempt);
  assert.deepEqual([wasAttempted, outcome.kind], [false, "retry"]);
  while (provider.under.length > 0) await provider.endAll({ kind: "sent" });
  await Promise.all(all);
});

Deno.test("a queue whose breaker opens rejects the queued attempts, with the wait", async () => {
  const { queue, provider } = setUp();
  const all = [1, 2, 3, 4].map(() => submit(queue, provider.attempt));
  // The first failure lets the third begin; the second one opens the breaker for the fourth.
  await provider.endAll({ kind: "retry", reason: "timeout" });
  await provider.endAll({ kind: "sent" });
  const results = await Promise.all(all);
  assert.deepEqual(results.map(({ wasAttempted }) => wasAttempted), [true, true, true, false]);
  const fourth = results[3]!.outcome;
  assert.ok(fourth.kind === "retry" && fourth.afterMs === 1000);
});

Deno.test("after the wait one probe runs, and its success lets the others run", async () => {
  const { queue, provider, clock } = setUp();
  const failed = [1, 2].map(() => submit(queue, provider.attempt));
  await provider.endAll({ kind: "retry", reason: "timeout" });
  await Promise.all(failed);
  await clock.advance(1000);
  const probe = submit(queue, provider.attempt);
  assert.equal((await submit(queue, provider.attempt)).wasAttempted, false);
  await provider.endAll({ kind: "sent" });
  assert.ok((await probe).wasAttempted);
  const next = submit(queue, provider.attempt);
  await provider.endAll({ kind: "sent" });
  assert.ok((await next).wasAttempted);
});

Deno.test("a queue keeps to its rate and loses nothing by it", async () => {
  const { queue, clock } = setUp({ maxPerSecond: 2, maxQueued: 100 });
  let sent = 0;
  const all = Array.from(
    { length: 6 },
    () =>
      submit(queue, () => Promise.resolve<Outcome>({ kind: "sent" }).finally(() => void sent++)),
  );
  await settle();
  assert.equal(sent, 2);
  await clock.advance(1000);
  assert.equal(sent, 4);
  await clock.advance(1000);
  assert.equal(sent, 6);
  await Promise.all(all);
});

Deno.test("a queue aborts an attempt that takes too long", async () => {
  const { queue, provider, clock } = setUp();
  const result = submit(queue, provider.attempt);
  const { signal, end } = provider.under[0]!;
  signal.addEventListener("abort", () => end({ kind: "retry", reason: "timeout" }));
  await clock.advance(9_999);
  assert.equal(signal.aborted, false);
  await clock.advance(1);
  assert.deepEqual((await result).outcome, { kind: "retry", reason: "timeout" });
});

Deno.test("a transport that throws costs a retry and not the queue", async () => {
  const { queue } = setUp();
  const { outcome } = await submit(queue, () => Promise.reject(new TypeError("bug")));
  assert.equal(outcome.kind, "retry");
  assert.equal((await submit(queue, () => Promise.resolve({ kind: "sent" }))).outcome.kind, "sent");
});

Deno.test("a queue that rejects many attempts yields to the event loop in between", async () => {
  let turns = 0;
  const queue = new ProviderQueue({
    clock: new FakeClock(),
    settings: () => ({ ...SETTINGS, maxConcurrent: 2, maxQueued: 2000 }),
    yieldToEventLoop: () => Promise.resolve(void turns++),
  });
  const provider = new Provider();
  const all = Array.from({ length: 1002 }, () => submit(queue, provider.attempt));
  await provider.endAll({ kind: "misconfigured", reason: "a bad key" });
  const results = await Promise.all(all);
  assert.equal(results.filter(({ wasAttempted }) => wasAttempted).length, 2);
  assert.equal(turns, 3, "256 at a time");
});

Deno.test("a queue whose breaker closes while it rejects keeps the remaining attempts", async () => {
  const clock = new FakeClock();
  const { openMs } = SETTINGS.breaker;
  const queue = new ProviderQueue({
    clock,
    settings: () => ({ ...SETTINGS, maxConcurrent: 1, maxQueued: 2000 }),
    yieldToEventLoop: () => clock.advance(openMs),
  });
  const provider = new Provider();
  const all = Array.from({ length: 501 }, () => submit(queue, provider.attempt));
  await provider.endAll({ kind: "misconfigured", reason: "a bad key" });
  const results = Promise.all(all);
  let isOver = false;
  void results.then(() => isOver = true);
  while (!isOver) await provider.endAll({ kind: "sent" });
  assert.equal((await results).filter(({ wasAttempted }) => !wasAttempted).length, 256);
});
