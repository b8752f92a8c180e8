import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import { MemoryStore, openStore } from "../../store/mod.ts";

const options = { clock: systemClock, random: Math.random };

Deno.test("'kv:' with a path opens a file and creates its folder", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using store = await openStore(`kv:${folder}/new/deep/x.kv`, options);
    assert.equal(store.traits.durable, true);
    assert.equal((await Deno.stat(`${folder}/new/deep/x.kv`)).isFile, true);
    // Others of the machine cannot reach what is in it.
    assert.equal((await Deno.stat(`${folder}/new/deep`)).mode! & 0o007, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("'memory:' opens a store without a file", async () => {
  await using store = await openStore("memory:", options);
  assert.ok(store instanceof MemoryStore);
  assert.equal(store.traits.durable, false);
});

Deno.test("a folder that cannot be created is named", async () => {
  const file = await Deno.makeTempFile();
  try {
    await assert.rejects(
      openStore(`kv:${file}/below/x.kv`, options),
      (error) =>
        error instanceof ServiceError && error.code === "store_unavailable" &&
        error.message.includes(`${file}/below`),
    );
  } finally {
    await Deno.remove(file);
  }
});

for (const address of ["", "x", "./data/x.kv", "postgres://u:hunter2@db", "memory:x", ":x"]) {
  Deno.test(`the address '${address}' is refused as configuration`, async () => {
    await assert.rejects(openStore(address, options), invalid);
  });
}

Deno.test("a Redis address is refused without repeating its password", async () => {
  await assert.rejects(openStore("redis://user:hunter2@host:6379", options), (error) => {
    assert.ok(invalid(error));
    assert.match((error as Error).message, /only a link to Redis can/);
    assert.doesNotMatch((error as Error).message, /hunter2/);
    return true;
  });
});

function invalid(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "invalid_configuration" &&
    !error.message.includes("hunter2");
}
