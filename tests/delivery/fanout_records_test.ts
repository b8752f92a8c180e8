import assert from "node:assert/strict";
import { createIdSource } from "../../core/ids.ts";
import { type FanoutPage, idsOf, packIds } from "../../delivery/_fanout_records.ts";
import { FakeClock } from "../support/fake_clock.ts";

const USERS = new Uint8Array();

function packed(ids: readonly string[]): FanoutPage {
  return { users: USERS, ids: packIds(ids) };
}

Deno.test("the ids of a page come back as they were, also those of different processes", () => {
  const clock = new FakeClock();
  const [newId, otherId] = [createIdSource(clock), createIdSource(clock)];
  const ids = Array.from({ length: 1_000 }, () => newId());
  const lists = [[], [newId()], [newId(), newId()], ids, [...ids, otherId()], [ids[0]!, ids[0]!]];
  for (const list of lists) assert.deepEqual(idsOf(packed(list)), list);
  assert.equal(idsOf({ users: USERS }), undefined);
});

Deno.test("ids of one page take a third of their texts, and those stored whole are read", () => {
  const newId = createIdSource(new FakeClock());
  const ids = Array.from({ length: 1_000 }, () => newId());
  assert.ok(packIds(ids).length < ids.join().length / 3);
  assert.deepEqual(idsOf({ users: USERS, ids: ids.join() }), ids);
});
