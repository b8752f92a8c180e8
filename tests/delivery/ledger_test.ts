import assert from "node:assert/strict";
import type { LedgerRecord, TargetRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import { Ledger } from "../../delivery/ledger.ts";

const NOTIFICATION: Notification = {
  ...{ id: "n", context: "1", user: "7", topic: "t", data: "{}" },
  ...{ priority: "high", acceptedAt: 0 },
};
const MAIL = { client: "mail", at: 9 };

function target(state: TargetRecord["state"], fields: Partial<TargetRecord> = {}): TargetRecord {
  return { client: "mail", transport: "websocket", state, at: 1, ...fields };
}

/** A ledger over records in a map, and the calls of its observer. */
function open() {
  const records = new Map<string, LedgerRecord>();
  const observed: string[] = [];
  const ledger = new Ledger({
    settle(record) {
      records.set(record.id, record);
      return [];
    },
    amend({ id }, change) {
      const before = records.get(id);
      if (before) records.set(id, change(before));
      return Promise.resolve(before !== undefined);
    },
    cancel: () => Promise.resolve(),
    record: ({ id }) => Promise.resolve(records.get(id)),
  }, {
    target: (_notification, { state }) => void observed.push(state),
    settled: ({ state }) => void observed.push(`settled ${state}`),
    reopened: () => void observed.push("reopened"),
    acknowledged: () => void observed.push("acknowledged"),
    received: ({ kind }) => void observed.push(`received ${kind}`),
  });
  const shown = () => {
    const { state, targets = [] } = records.get("n") ?? {};
    return [state, ...targets.map((each) => `${each.client} ${each.state} ${each.at}`)].join(", ");
  };
  return { ledger, records, observed, shown };
}

Deno.test("a kept target becomes sent once its client returns, and counts once", async () => {
  const { ledger, observed, shown } = open();
  ledger.settle(NOTIFICATION, [target("kept"), target("kept", { client: "phone" })]);
  assert.equal(shown(), "suppressed, mail kept 1, phone kept 1");
  assert.equal(await ledger.acknowledge(NOTIFICATION, MAIL), true);
  assert.equal(await ledger.acknowledge(NOTIFICATION, { ...MAIL, at: 10 }), true);
  assert.equal(shown(), "delivered, mail sent 9, phone kept 1");
  assert.deepEqual(observed, ["kept", "kept", "settled suppressed", "acknowledged"]);
});

Deno.test("a notification with a pending retry stays in flight, and settles when the retry ends", async () => {
  const { ledger, observed, shown } = open();
  const phone = { client: "phone", transport: "apn", subscription: "s" } as const;
  ledger.begin(NOTIFICATION, [target("kept")], 1);
  ledger.attempted(NOTIFICATION, target("retrying", phone));
  await ledger.acknowledge(NOTIFICATION, MAIL);
  assert.equal(shown(), "in_flight, mail sent 9, phone retrying 1");
  await ledger.retried(NOTIFICATION, target("dead", phone));
  assert.equal(shown(), "delivered, mail sent 9, phone dead 1");
  assert.deepEqual(observed.filter((each) => each.startsWith("settled")), ["settled delivered"]);
});

Deno.test("a client that returns during first attempts is in the final record", async () => {
  const { ledger, shown } = open();
  ledger.begin(NOTIFICATION, [target("kept")], 1);
  assert.equal(await ledger.acknowledge(NOTIFICATION, MAIL), true);
  ledger.attempted(NOTIFICATION, target("gone", { client: "phone", transport: "apn" }));
  assert.equal(shown(), "delivered, mail sent 9, phone gone 1");
});

Deno.test("a record without a kept target for the client stays unchanged", async () => {
  const { ledger, records, observed } = open();
  const merged = { state: "suppressed", reason: "merged" } as const;
  const expired = { state: "expired", reason: "ttl" } as const;
  for (
    const [targets, because] of [
      [[], merged],
      [[], expired],
      [[target("source"), target("kept", { client: "phone" })], {}],
    ] as const
  ) {
    ledger.settle(NOTIFICATION, targets, because);
    const before = records.get("n");
    assert.equal(await ledger.acknowledge(NOTIFICATION, MAIL), true);
    assert.deepEqual(records.get("n"), before);
  }
  assert.ok(!observed.includes("acknowledged"));
});

Deno.test("acknowledge() is false where there is no record yet", async () => {
  assert.equal(await open().ledger.acknowledge(NOTIFICATION, MAIL), false);
});
