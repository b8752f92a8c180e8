import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import type { Store } from "../../core/store.ts";
import { createReadiness } from "../../service/monitoring.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { StubTransport } from "../support/stub_transport.ts";

const DAY_MS = 86_400_000;

Deno.test("a store that can be read but not written makes a node not ready", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  const full: Store = {
    traits: store.traits,
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    list: (range) => store.list(range),
    commit: () => Promise.reject(new ServiceError("store_unavailable", "The disk is full")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const ready = createReadiness({
    backend: { store: full, checks: () => Promise.resolve([]) },
    ...{ transports: new Map(), isShuttingDown: () => false, clock },
  });
  assert.deepEqual((await ready())[0], {
    name: "store",
    ok: false,
    detail: "The disk is full",
  });
});

Deno.test("the days until a credential expires are shown, and never make a node unready", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  const transport = new StubTransport("apn");
  transport.status = () => [{
    ...{ client: "app", ready: false, detail: "expired" },
    credentialExpiresAt: clock.now() + 2.5 * DAY_MS,
  }];
  const transports = new Map([["apn" as const, transport]]);
  const backend = { store, checks: () => Promise.resolve([]) };
  const ready = createReadiness({
    backend,
    transports,
    isShuttingDown: () => false,
    clock,
  });
  const check = (await ready()).find(({ name }) => name === "transport apn");
  assert.deepEqual(check, {
    ...{ name: "transport apn", ok: false, optional: true },
    detail: [{
      client: "app",
      ready: false,
      detail: "expired",
      credentialDaysLeft: 2,
    }],
  });
});

Deno.test("a warning of the backend is shown and does not make the node unready", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  const detail = "Redis at a:1 evicts: set maxmemory-policy to noeviction";
  const backend = {
    store,
    checks: () => Promise.resolve([{ name: "redis", ok: false, optional: true, detail }]),
  };
  const ready = createReadiness({
    backend,
    transports: new Map(),
    isShuttingDown: () => false,
    clock,
  });
  assert.deepEqual((await ready())[1], {
    name: "redis",
    ok: false,
    optional: true,
    detail,
  });
});

Deno.test("a node that shuts down is not ready", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  const backend = { store, checks: () => Promise.resolve([]) };
  const ready = createReadiness({
    backend,
    transports: new Map(),
    isShuttingDown: () => true,
    clock,
  });
  assert.equal(
    (await ready()).find(({ name }) => name === "in service")?.ok,
    false,
  );
});
