import assert from "node:assert/strict";
import fc from "fast-check";
import {
  faultToken,
  hexFaultToken,
  parseFaultScript,
  scriptInToken,
} from "../../simulator/fault_script.ts";

function steps(text: string) {
  const parsed = parseFaultScript(text);
  assert.ok(parsed.ok, parsed.ok ? "" : parsed.message);
  return parsed.steps;
}

Deno.test("a script: every plain word is a step of its own", () => {
  for (const kind of ["ok", "gone", "hang", "reset"] as const) {
    assert.deepEqual(steps(kind), [{ does: { kind }, latencyMs: 0 }]);
  }
});

Deno.test("a script: a status may be limited in time", () => {
  const does = { kind: "answer", status: 429 };
  assert.deepEqual(steps("429 for 3 s"), [{ does, latencyMs: 0, forMs: 3000 }]);
  assert.deepEqual(steps("429 for 3s"), [{ does, latencyMs: 0, forMs: 3000 }]);
  assert.deepEqual(steps("429 for 250 ms"), [{ does, latencyMs: 0, forMs: 250 }]);
  assert.deepEqual(steps("429 for 1 min"), [{ does, latencyMs: 0, forMs: 60_000 }]);
});

Deno.test("a script: a status may be limited in number and have a reason", () => {
  assert.deepEqual(steps("500 twice"), [
    { does: { kind: "answer", status: 500 }, latencyMs: 0, times: 2 },
  ]);
  assert.deepEqual(steps("503 Shutdown 3 times"), [
    { does: { kind: "answer", status: 503, reason: "Shutdown" }, latencyMs: 0, times: 3 },
  ]);
  assert.equal(steps("hang once")[0]?.times, 1);
});

Deno.test("a script: steps follow each other", () => {
  const expected = ["answer", "gone"];
  for (const text of ["500 twice, then gone", "500 twice then gone", "500 twice,gone"]) {
    assert.deepEqual(steps(text).map(({ does }) => does.kind), expected);
  }
});

Deno.test("a script: latency, retry-after, goaway and moved", () => {
  assert.equal(steps("ok after 200 ms")[0]?.latencyMs, 200);
  assert.equal(steps("503 retry 7 s")[0]?.retryAfterSeconds, 7);
  assert.deepEqual(steps("goaway")[0]?.does, { kind: "goaway", reason: "Shutdown" });
  assert.deepEqual(steps("goaway IdleTimeout once")[0]?.does, {
    kind: "goaway",
    reason: "IdleTimeout",
  });
  assert.deepEqual(steps("moved newtoken1")[0]?.does, { kind: "moved", token: "newtoken1" });
});

for (
  const text of ["", "explode", "500 for", "500 for 3", "500 twice loudly", "500,", "199", "moved"]
) {
  Deno.test(`a script: '${text}' is refused with a message`, () => {
    const parsed = parseFaultScript(text);
    assert.equal(parsed.ok, false);
  });
}

Deno.test("a script: no text makes the parser throw", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    parseFaultScript(text);
    scriptInToken(text);
  }));
});

Deno.test("a token carries its script, as text and as hexadecimal bytes", () => {
  const script = "500 twice, then 429 for 3 s";
  const parsed = steps(script);
  for (const token of [faultToken(script, "a"), hexFaultToken(script, "a")]) {
    assert.match(token, /^[0-9A-Za-z:._-]+$/);
    assert.deepEqual(steps(scriptInToken(token) ?? ""), parsed);
  }
  assert.match(hexFaultToken("gone", "a"), /^[0-9a-f]{64}$/);
});

Deno.test("an ordinary token carries no script", () => {
  assert.equal(scriptInToken("c0ffee00"), undefined);
  assert.equal(scriptInToken("APA91:faulty"), undefined);
});
