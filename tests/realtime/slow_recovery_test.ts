import assert from "node:assert/strict";
import { silentLog } from "../../core/log.ts";
import { RecoveryReader } from "../../realtime/_recovery_reader.ts";
import type { SocketConnection } from "../../realtime/_socket_connections.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { event } from "./_scripted_hub.ts";

/** A socket that recovers, and whose peer takes what the test decides. */
function rig(events: number) {
  const clock = new FakeClock();
  const log = Array.from({ length: events }, (_, n) => event(n + 1));
  const last = log.at(-1)!.offset;
  const state = { backlogBytes: 0, readyState: "open", reads: 0 };
  const port = {
    get backlogBytes() {
      return state.backlogBytes;
    },
    get readyState() {
      return state.readyState;
    },
    drop: () => void (state.readyState = "closed"),
  };
  const connection = { cursor: 0, recovery: undefined, port } as unknown as SocketConnection;
  const sent: number[] = [];
  const reader = new RecoveryReader({
    ...{ clock, log: silentLog, random: () => 0.5 },
    hub: {
      readMissed: (_, after) => {
        state.reads++;
        return { events: log.filter(({ offset }) => offset > after), complete: true };
      },
    },
    send(connection, { offset }) {
      if (state.backlogBytes >= 10) return false;
      state.backlogBytes++;
      sent.push(offset);
      connection.cursor = offset;
      return true;
    },
    sendResync: () => assert.fail("nothing is missing"),
    measure: () => {},
    stalledAfterMs: () => 10_000,
  });
  return { clock, reader, connection, state, sent, log, last };
}

Deno.test("a recovering socket is sent more as its peer takes what it was sent", async () => {
  const { clock, reader, connection, state, sent, log, last } = rig(25);
  reader.recover(connection, last);
  assert.equal(sent.length, 10);
  state.backlogBytes = 4;
  await clock.advance(50);
  assert.equal(sent.length, 16);
  state.backlogBytes = 0;
  await clock.advance(50);
  assert.deepEqual(sent, log.map(({ offset }) => offset));
  assert.equal(connection.recovery, undefined);
  assert.equal(state.reads, 1);
});

Deno.test("a peer that takes a little every nine seconds is not dropped", async () => {
  const { clock, reader, connection, state, sent, log, last } = rig(25);
  reader.recover(connection, last);
  while (sent.length < log.length) {
    await clock.advance(9_000);
    state.backlogBytes--;
    await clock.advance(50);
  }
  assert.equal(state.readyState, "open");
  assert.deepEqual(sent, log.map(({ offset }) => offset));
});

Deno.test("a peer that takes nothing for ten seconds is dropped, and nothing is read for it", async () => {
  const { clock, reader, connection, state, last } = rig(25);
  reader.recover(connection, last);
  await clock.advance(9_900);
  assert.deepEqual([state.readyState, state.reads], ["open", 1]);
  await clock.advance(150);
  assert.deepEqual([state.readyState, state.reads], ["closed", 1]);
});

Deno.test("at most 64 events are kept in memory for a slow peer", async () => {
  const { clock, reader, connection, state, sent, log, last } = rig(200);
  reader.recover(connection, last);
  assert.equal(connection.recovery!.events.length, 64);
  while (sent.length < log.length) {
    state.backlogBytes = 0;
    await clock.advance(50);
    assert.ok((connection.recovery?.events.length ?? 0) <= 64);
  }
  assert.deepEqual(sent, log.map(({ offset }) => offset));
  assert.equal(state.reads, 3);
});

Deno.test("no events are kept in memory for a peer that takes nothing for a second", async () => {
  const { clock, reader, connection, last } = rig(200);
  reader.recover(connection, last);
  await clock.advance(1_100);
  assert.equal(connection.recovery!.events.length, 0);
});
