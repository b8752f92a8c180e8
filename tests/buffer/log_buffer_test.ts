import { LogBuffer } from "../../buffer/mod.ts";
import { ServiceError } from "../../core/errors.ts";
import type { Store, StoreKey } from "../../core/store.ts";
import { MemoryStore, openKvStore } from "../../store/mod.ts";
import { type BufferUnderTest, testBuffer } from "../contract/buffer_contract.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { mortalClock } from "../support/mortal_clock.ts";

/** @param shared as one of several processes; the process before counts as gone */
function over(store: Store, clock: FakeClock, shared = false): BufferUnderTest {
  let broken = false;
  let last = mortalClock(clock);
  const leases: StoreKey[] = [];
  const flaky: Store = {
    traits: { ...store.traits, shared },
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    list: (range) => store.list(range),
    commit(commit) {
      if (broken) return Promise.reject(new ServiceError("store_unavailable", "The disk is full"));
      leases.push(
        ...commit.sets?.map(({ key }) => key).filter(([first]) => first === "node") ?? [],
      );
      return store.commit(commit);
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
  return {
    clock,
    open(settings) {
      last.kill(); // the process before
      last = mortalClock(clock);
      void store.commit({ deletes: leases.splice(0) });
      return new LogBuffer(flaky, {
        clock: last,
        settings,
        retentionMs: () => 86_400_000,
        yieldToEventLoop: () => settle(1),
      });
    },
    breakStore: (is) => void (broken = is),
    dispose: async () => await store[Symbol.asyncDispose](),
  };
}

testBuffer("LogBuffer over memory", () => {
  const clock = new FakeClock();
  return Promise.resolve(over(new MemoryStore({ clock }), clock));
});

testBuffer("LogBuffer over a shared store", () => {
  const clock = new FakeClock();
  return Promise.resolve(over(new MemoryStore({ clock }), clock, true));
});

testBuffer("LogBuffer over Deno KV", async () => {
  const clock = new FakeClock();
  return over(await openKvStore(":memory:", { clock, random: Math.random }), clock);
});
