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

/** A ledger over records in a map, and what its observer was told. */
function open() {
  const records = new Map<string, LedgerRecord>();
  const delivered: string[] = [];
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
    record: ({ id }) => Promise.resolve(records.get(id)),
  }, {
    target: (_notification, { state }) => void delivered.push(state),
    settled: ({ state }) => void delivered.push(`settled ${state}`),
    reopened: () => void delivered.push("reopened"),
    caughtUp: () => void delivered.push("caught up"),
    received: ({ kind }) => void delivered.push(`received ${kind}`),
  });
  const shown = () => {
    const { state, targets = [] } = records.get("n") ?? {};
    return [state, ...targets.map((each) => `${each.client} ${each.state} ${each.at}`)].join(", ");
  };
  return { ledger, records, delivered, shown };
}

Deno.test("what was kept for a client is sent once it has come back, and counted once", async () => {
  const { ledger, delivered, shown } = open();
  ledger.settle(NOTIFICATION, [target("kept"), target("kept", { client: "phone" })]);
  assert.equal(shown(), "suppressed, mail kept 1, phone kept 1");
  assert.equal(await ledger.acknowledge(NOTIFICATION, MAIL), true);
  assert.equal(await ledger.acknowledge(NOTIFICATION, { ...MAIL, at: 10 }), true);
  assert.equal(shown(), "delivered, mail sent 9, phone kept 1");
  assert.deepEqual(delivered, ["kept", "kept", "settled suppressed", "caught up"]);
});

Deno.test("what is still tried elsewhere stays in flight, and is settled when that ends", async () => {
  const { ledger, delivered, shown } = open();
  const phone = { client: "phone", transport: "apn", subscription: "s" } as const;
  ledger.begin(NOTIFICATION, [target("kept")], 1);
  ledger.attempted(NOTIFICATION, target("retrying", phone));
  await ledger.acknowledge(NOTIFICATION, MAIL);
  assert.equal(shown(), "in_flight, mail sent 9, phone retrying 1");
  await ledger.retried(NOTIFICATION, target("dead", phone));
  assert.equal(shown(), "delivered, mail sent 9, phone dead 1");
  assert.deepEqual(delivered.filter((each) => each.startsWith("settled")), ["settled delivered"]);
});

Deno.test("who comes back while first attempts are under way is in the record they end in", async () => {
  const { ledger, shown } = open();
  ledger.begin(NOTIFICATION, [target("kept")], 1);
  assert.equal(await ledger.acknowledge(NOTIFICATION, MAIL), true);
  ledger.attempted(NOTIFICATION, target("gone", { client: "phone", transport: "apn" }));
  assert.equal(shown(), "delivered, mail sent 9, phone gone 1");
});

Deno.test("where nothing was kept for the client, a record stays as it is", async () => {
  const { ledger, records, delivered } = open();
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
  assert.ok(!delivered.includes("caught up"));
});

Deno.test("where there is no record yet, the ledger says so", async () => {
  assert.equal(await open().ledger.acknowledge(NOTIFICATION, MAIL), false);
});
