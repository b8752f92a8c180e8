import assert from "node:assert/strict";
import { readOrCreate } from "../../core/read_or_create.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("nodes that create a record at the same time share the one that was first", async () => {
  await using store = new MemoryStore({ clock: new FakeClock() });
  let made = 0;
  const create = () => `value ${++made}`;
  const [one, other] = await Promise.all([
    readOrCreate(store, { key: ["id"], create }),
    readOrCreate(store, { key: ["id"], create }),
  ]);
  assert.equal(one, other);
  assert.equal(await readOrCreate(store, { key: ["id"], create }), one);
});
