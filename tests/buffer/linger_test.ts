import assert from "node:assert/strict";
import { SegmentLog } from "../../buffer/segment_log.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

const ID = "0190163d-8694-739b-aea5-966c26f8ad90";
const COMMON = { id: ID, context: "1", user: "3", topic: "a", acceptedAt: 0 } as const;
const NOTIFICATION: Notification = { ...COMMON, data: JSON.stringify({}), priority: "high" };
const RECORD: LedgerRecord = { ...COMMON, state: "delivered", targets: [] };

Deno.test("a crash right after a notification was settled repeats it, a later one does not", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  const open = () => new SegmentLog(store, { clock, retentionMs: () => 60_000 });
  const log = open();
  const appended = log.append([NOTIFICATION]);
  await clock.advance(0);
  await appended;
  log.settle(RECORD);
  assert.deepEqual(await log.find(ID), RECORD);
  await clock.advance(10); // the frame that it was settled for may not have left the process yet
  assert.deepEqual(await open().recover(), [NOTIFICATION]);
  await clock.advance(50);
  assert.deepEqual(await open().recover(), []);
  assert.deepEqual(await open().find(ID), RECORD);
  log.close();
});
