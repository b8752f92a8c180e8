import assert from "node:assert/strict";
import fc from "fast-check";
import type { LoggedEvent } from "../../core/events.ts";
import { cutBytes, packEvents, unpackEvents } from "../../events/_packing.ts";

const EVENT: LoggedEvent = {
  ...{ context: "1", user: "7", id: "n", clients: ["mail"], args: '"x",{}' },
  ...{ offset: 2, previous: 1 },
};

Deno.test("unpacked events equal the packed ones, wherever the bytes are cut", () => {
  const text = fc.string({ unit: "grapheme" });
  const clients = fc.array(text);
  const some = fc.record(
    { except: text, kept: clients, ack: fc.constant(true as const), collapseKey: text },
    { requiredKeys: [] },
  );
  const known = fc.record({ id: text, user: text, clients });
  fc.assert(fc.property(
    fc.array(fc.tuple(known, some)),
    fc.integer({ min: 1, max: 50 }),
    (parts, maxBytes) => {
      const events = parts.map(([known, some]) => ({ ...EVENT, ...known, ...some }));
      assert.deepEqual(unpackEvents(cutBytes(packEvents(events), maxBytes)), events);
    },
  ));
});

Deno.test("events packed by an earlier version, without `kept`, can be read", () => {
  const lines = [
    '[2,1,"1","7","n",["mail"]]',
    '"x",{}',
    '[3,2,"1","7","m",["mail"],"c"]',
    '"x",{}',
  ];
  assert.deepEqual(unpackEvents([new TextEncoder().encode(`${lines.join("\n")}\n`)]), [
    EVENT,
    { ...EVENT, id: "m", except: "c", offset: 3, previous: 2 },
  ]);
});
