/** What a publisher asks for survives every form that it is stored in or travels as. */

import assert from "node:assert/strict";
import { encodeNotification, unpackNotifications } from "../../buffer/_stored_items.ts";
import type { LoggedEvent } from "../../core/events.ts";
import { decodeRecord, encodeRecord } from "../../core/ledger_codec.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import { packEvents, unpackEvents } from "../../events/_packing.ts";
import { formatNotification, parseNotification } from "../../redis/buffer/_codec.ts";
import {
  formatAudience,
  formatEvents,
  parseAudience,
  parseEvents,
} from "../../redis/hub/_event_codec.ts";

const ID = "01963dd0-0000-7000-8000-000000000000";
const PLAIN: Notification = {
  ...{ id: ID, context: "1", user: "3", topic: "t", data: '{"a":1}', priority: "high" },
  acceptedAt: 5,
};
const ASKED: Notification = {
  ...PLAIN,
  collapseKey: "k",
  options: {
    ...{ deliverAt: 7, escalateAfterMs: 30_000, receipts: true, fanout: ID },
    dismiss: { id: ID, collapseKey: "k" },
  },
};
const EVENT: LoggedEvent = {
  ...{ id: ID, context: "1", user: "3", clients: ["a"], args: '"t",{}', offset: 2048 },
  previous: 1024,
};
const VARIANTS: readonly LoggedEvent[] = [
  EVENT,
  { ...EVENT, ack: true },
  { ...EVENT, ack: true, except: "s" },
  { ...EVENT, except: "s" },
];

Deno.test("the options of a notification survive the log and Redis, and cost nothing where absent", () => {
  for (const one of [PLAIN, ASKED]) {
    const [read] = unpackNotifications(encodeNotification(one));
    assert.deepEqual(withoutUndefined(read!), one);
    assert.deepEqual(parseNotification(ID, formatNotification(one, { waits: true })), one);
  }
  assert.equal(encodeNotification(PLAIN), `["${ID}","1","3","t",5]\n{"a":1}`);
  assert.equal(
    formatNotification(PLAIN, { waits: false }),
    `1\u0000\n["3","t","high",5]\n{"a":1}`,
  );
});

Deno.test("an event that asks for an acknowledgement asks for it wherever it is read", () => {
  for (const event of VARIANTS) {
    assert.deepEqual(unpackEvents([packEvents([event])]), [event]);
    assert.deepEqual(parseEvents(formatEvents([event])), [event]);
    for (const kept of [undefined, ["a"]]) {
      const audience = {
        clients: event.clients,
        ...(event.except !== undefined && { except: event.except }),
        ...(event.ack && { ack: event.ack }),
        ...(kept && { kept }),
      };
      assert.deepEqual(parseAudience(formatAudience(audience)), audience);
    }
  }
});

Deno.test("a record keeps receipts, held targets, its key and what it is a part of", () => {
  const record: LedgerRecord = {
    ...{ id: ID, context: "1", user: "3", topic: "t", acceptedAt: 5, state: "in_flight" },
    ...{ collapseKey: "k", fanout: ID, receipts: [{ kind: "seen", client: "a", at: 6 }] },
    targets: [
      { client: "a", transport: "websocket", state: "sent", at: 6 },
      { client: "p", transport: "apn", subscription: "s", state: "held", until: 9, at: 6 },
    ],
  };
  const plain: LedgerRecord = {
    ...{ id: ID, context: "1", user: "3", topic: "t", acceptedAt: 5, state: "delivered" },
    targets: [{ client: "a", transport: "websocket", state: "sent", at: 6 }],
  };
  const [sent] = plain.targets;
  const retried: LedgerRecord = {
    ...plain,
    targets: [{ ...sent!, attempts: 2, earlier: [{ at: 4, reason: "Unavailable" }] }],
  };
  const named: LedgerRecord = { ...plain, targets: [{ ...sent!, sockets: ["c1", "c2"] }] };
  const variants = [
    { ...plain, fanout: ID },
    { ...plain, collapseKey: "k" },
    retried,
    named,
    record,
  ];
  // In this order, because records that are alike share a part of their encoding.
  for (const one of [plain, ...variants, plain]) {
    assert.deepEqual(decodeRecord(ID, encodeRecord(one)), one);
  }
});

function withoutUndefined(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}
