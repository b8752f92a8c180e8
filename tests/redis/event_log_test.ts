import assert from "node:assert/strict";
import { formatAudience, parseAudience } from "../../redis/hub/_event_codec.ts";

const CLIENTS = ["mail", "phone"];

for (
  const audience of [
    { clients: CLIENTS },
    { clients: CLIENTS, except: "c" },
    { clients: CLIENTS, kept: ["phone"] },
    { clients: CLIENTS, except: "c", kept: CLIENTS },
    { clients: CLIENTS, except: "" },
    { clients: [] },
  ]
) {
  Deno.test(`an audience comes back unchanged: ${JSON.stringify(audience)}`, () => {
    assert.deepEqual(parseAudience(formatAudience(audience)), audience);
  });
}

Deno.test("texts without kept clients, from earlier versions, can be read", () => {
  assert.deepEqual(parseAudience('["mail"]'), { clients: ["mail"] });
  assert.deepEqual(parseAudience('[["mail"],"c"]'), { clients: ["mail"], except: "c" });
});

Deno.test("an event that was kept for no client has a short text", () => {
  assert.equal(formatAudience({ clients: ["mail"] }), '["mail"]');
  assert.equal(formatAudience({ clients: ["mail"], except: "c" }), '[["mail"],"c"]');
});
