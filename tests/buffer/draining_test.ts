import assert from "node:assert/strict";
import { LogBuffer } from "../../buffer/mod.ts";
import type { ServiceError } from "../../core/errors.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

Deno.test("a stopped buffer refuses notifications, with a time after which to ask another node", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  await using buffer = new LogBuffer(store, {
    ...{ clock, retentionMs: () => 60_000, yieldToEventLoop: () => settle(1) },
    settings: () => ({
      ...{ delayDuration: 0, maxDelayDuration: 0, timerFrequency: 500, numProcessorThreads: 1 },
      ...{ maxProcessorTasks: 10, maxNotifications: 10, maxBytes: 1e6 },
    }),
  });
  await buffer.start(() => {});
  await buffer.stop();
  await assert.rejects(buffer.put([]), (thrown: ServiceError) => {
    assert.deepEqual([thrown.code, thrown.retryAfterSeconds], ["draining", 1]);
    return true;
  });
});
