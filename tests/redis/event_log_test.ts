import assert from "node:assert/strict";
import { formatAbout, readAbout } from "../../redis/hub/_event_codec.ts";

const CLIENTS = ["mail", "phone"];

for (
  const about of [
    { clients: CLIENTS },
    { clients: CLIENTS, except: "c" },
    { clients: CLIENTS, kept: ["phone"] },
    { clients: CLIENTS, except: "c", kept: CLIENTS },
    { clients: CLIENTS, except: "" },
    { clients: [] },
  ]
) {
  Deno.test(`whom an event is for comes back as it was written: ${JSON.stringify(about)}`, () => {
    assert.deepEqual(readAbout(formatAbout(about)), about);
  });
}

Deno.test("texts from before events said for whom they are kept can be read", () => {
  assert.deepEqual(readAbout('["mail"]'), { clients: ["mail"] });
  assert.deepEqual(readAbout('[["mail"],"c"]'), { clients: ["mail"], except: "c" });
});

Deno.test("an event that was kept for nobody is written as briefly as ever", () => {
  assert.equal(formatAbout({ clients: ["mail"] }), '["mail"]');
  assert.equal(formatAbout({ clients: ["mail"], except: "c" }), '[["mail"],"c"]');
});
