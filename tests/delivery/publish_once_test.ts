import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { createIdSource } from "../../core/ids.ts";
import type { Notification } from "../../core/notification.ts";
import type { Commit, Store } from "../../core/store.ts";
import { createPublishOnce, idempotencyStateOf } from "../../delivery/publish_once.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const KEY = ["idempotency", "key:a", "k"];

/** A store and a buffer that several nodes share. */
class Shared {
  readonly clock = new FakeClock();
  /** What the buffer took, by id. */
  readonly accepted = new Map<string, Notification>();
  readonly puts: { readonly ids: readonly string[]; readonly isRepeat: boolean }[] = [];
  readonly store: Store;
  /** Runs before a put takes effect; rejects where it should fail. */
  beforePut: () => Promise<void> = () => Promise.resolve();
  beforeCommit: (commit: Commit) => Promise<void> = () => Promise.resolve();
  readonly #takesRecords: boolean;

  constructor({ takesRecords = false } = {}) {
    this.#takesRecords = takesRecords;
    const memory = new MemoryStore({ clock: this.clock });
    this.store = {
      traits: { ...memory.traits, shared: true },
      get: (key) => memory.get(key),
      getMany: (keys) => memory.getMany(keys),
      list: (range) => memory.list(range),
      commit: async (commit) => {
        await this.beforeCommit(commit);
        return await memory.commit(commit);
      },
      [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
    };
  }

  /** Publishes the request of these tests, or a similar one, on a node. */
  node({ fingerprint = "f" } = {}) {
    const publish = createPublishOnce({
      buffer: {
        traits: { takesRecords: this.#takesRecords, shared: true },
        put: async (notifications, sets = [], { isRepeat = false } = {}) => {
          this.puts.push({ ids: notifications.map(({ id }) => id), isRepeat });
          await this.beforePut();
          for (const each of notifications) this.accepted.set(each.id, each);
          if (sets.length > 0) await this.store.commit({ sets });
        },
      },
      store: this.store,
      clock: this.clock,
      ids: createIdSource(this.clock),
      idempotencyMs: () => 3_600_000,
    });
    return () =>
      publish({
        key: KEY,
        fingerprint,
        count: 2,
        stamp: (ids, acceptedAt) =>
          ids.map((id, at): Notification => ({
            id,
            context: "1",
            user: String(at),
            topic: "t",
            data: JSON.stringify({}),
            priority: "high",
            acceptedAt,
          })),
      });
  }
}

function away(): ServiceError {
  return new ServiceError("store_unavailable", "away", { retryAfterSeconds: 1 });
}

function fail() {
  return Promise.reject(away());
}

async function refused(done: Promise<unknown>, code: string): Promise<ServiceError> {
  const thrown = await done.then(() => undefined, (error) => error);
  assert.ok(thrown instanceof ServiceError);
  assert.equal(thrown.code, code);
  return thrown;
}

for (const takesRecords of [false, true]) {
  const which = takesRecords ? "a log in a shared store" : "a buffer of its own";

  Deno.test(`with ${which}, a repetition on another node replays the ids`, async () => {
    const shared = new Shared({ takesRecords });
    const first = await shared.node()();
    await settle();
    const second = await shared.node()();
    assert.deepEqual(second, { ids: first.ids, replayed: true });
    assert.deepEqual([...shared.accepted.keys()], first.ids);
  });

  Deno.test(`with ${which}, of two nodes at the same moment one gets a conflict`, async () => {
    const shared = new Shared({ takesRecords });
    const [a, b] = await Promise.allSettled([shared.node()(), shared.node()()]);
    assert.deepEqual([a.status, b.status], ["fulfilled", "rejected"]);
    const { code, retryAfterSeconds } = (b as PromiseRejectedResult).reason;
    assert.deepEqual([code, retryAfterSeconds], ["idempotency_conflict", 1]);
    assert.equal(shared.accepted.size, 2);
  });

  Deno.test(`with ${which}, another request under the key is refused`, async () => {
    const shared = new Shared({ takesRecords });
    await shared.node()();
    await refused(shared.node({ fingerprint: "g" })(), "idempotency_mismatch");
  });

  Deno.test(`with ${which}, a repetition after a failure goes on at once`, async () => {
    const shared = new Shared({ takesRecords });
    shared.beforePut = fail;
    await refused(shared.node()(), "store_unavailable");
    shared.beforePut = () => Promise.resolve();
    const { ids, replayed } = await shared.node()();
    assert.equal(replayed, false);
    assert.deepEqual([...shared.accepted.keys()], ids);
  });

  Deno.test(`with ${which}, what a dead node left is finished by a repetition after a while`, async () => {
    const shared = new Shared({ takesRecords });
    shared.beforePut = () => new Promise(() => {}); // its node is killed meanwhile
    void shared.node()();
    await settle();
    shared.beforePut = () => Promise.resolve();
    await refused(shared.node()(), "idempotency_conflict");
    await shared.clock.advance(9_999);
    await refused(shared.node()(), "idempotency_conflict");
    await shared.clock.advance(1);
    const { ids } = await shared.node()();
    assert.deepEqual([...shared.accepted.keys()], ids);
    await settle();
    assert.deepEqual(await shared.node()(), { ids, replayed: true });
  });

  Deno.test(`with ${which}, only one of two repetitions finishes what was left`, async () => {
    const shared = new Shared({ takesRecords });
    shared.beforePut = fail;
    await refused(shared.node()(), "store_unavailable");
    shared.beforePut = () => Promise.resolve();
    const [a, b] = await Promise.allSettled([shared.node()(), shared.node()()]);
    assert.deepEqual([a.status, b.status], ["fulfilled", "rejected"]);
    assert.equal((b as PromiseRejectedResult).reason.code, "idempotency_conflict");
    assert.equal(shared.accepted.size, 2);
  });
}

Deno.test("a finished request has the ids and time of the first try, and is put as a repeat", async () => {
  const shared = new Shared();
  shared.beforePut = fail;
  await refused(shared.node()(), "store_unavailable");
  const acceptedAt = shared.clock.now();
  await shared.clock.advance(60_000);
  shared.beforePut = () => Promise.resolve();
  await shared.node()();
  const [first, second] = shared.puts;
  assert.deepEqual(first, { ...second, isRepeat: false });
  assert.equal(second!.isRepeat, true);
  for (const each of shared.accepted.values()) assert.equal(each.acceptedAt, acceptedAt);
});

Deno.test("a repetition returns the same ids where the key could not be marked as accepted", async () => {
  const shared = new Shared();
  let commits = 0;
  shared.beforeCommit = () => ++commits === 2 ? fail() : Promise.resolve();
  const first = await shared.node()();
  await settle();
  await refused(shared.node()(), "idempotency_conflict");
  await shared.clock.advance(10_000);
  const second = await shared.node()();
  assert.deepEqual(second.ids, first.ids);
  assert.equal(shared.accepted.size, 2);
});

Deno.test("without the store nothing is put, and the key stays free", async () => {
  const shared = new Shared();
  shared.beforeCommit = fail;
  await refused(shared.node()(), "store_unavailable");
  assert.equal(shared.puts.length, 0);
  shared.beforeCommit = () => Promise.resolve();
  assert.equal((await shared.node()()).replayed, false);
});

Deno.test("where neither the put nor its failure can be written, a repetition waits", async () => {
  const shared = new Shared();
  shared.beforePut = () => {
    shared.beforeCommit = fail;
    return fail();
  };
  await refused(shared.node()(), "store_unavailable");
  shared.beforePut = () => Promise.resolve();
  shared.beforeCommit = () => Promise.resolve();
  await refused(shared.node()(), "idempotency_conflict");
  await shared.clock.advance(10_000);
  await shared.node()();
  assert.equal(shared.accepted.size, 2);
});

Deno.test("a node that failed late does not reopen what another one has finished", async () => {
  const shared = new Shared({ takesRecords: true });
  const slow = Promise.withResolvers<void>();
  shared.beforePut = () => slow.promise;
  const late = refused(shared.node()(), "store_unavailable");
  await settle();
  await shared.clock.advance(10_000);
  shared.beforePut = () => Promise.resolve();
  const { ids } = await shared.node()();
  slow.reject(away());
  await late;
  assert.deepEqual(await shared.node()(), { ids, replayed: true });
});

Deno.test("a clock that is ahead does not hold a key up for longer", () => {
  const known = {
    v: 1,
    fingerprint: "f",
    ids: [],
    pending: { since: 50_000, acceptedAt: 0 },
  } as const;
  const at = (now: number) => idempotencyStateOf(known, { fingerprint: "f", now });
  assert.equal(at(45_000), "in progress");
  assert.equal(at(30_000), "unfinished");
});
