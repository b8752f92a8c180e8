import assert from "node:assert/strict";
import fc from "fast-check";
import { readValue, valueText } from "../../cascade/key_spec.ts";
import {
  entries,
  findName,
  type Key,
  KEYS,
  nameOfVariable,
  nearestName,
  readSetting,
  variableName,
} from "../../cascade/schema.ts";

const DELAY = "com.openexchange.pns.delayDuration";
const ORIGIN = "io.carillon.websocket.allowedOrigins";

function valueOf(name: string, raw: string) {
  const read = readSetting(name, raw);
  return read.kind === "setting" ? read.value : read;
}

Deno.test("the original's keys have the original's defaults", () => {
  const defaults = Object.fromEntries(entries().map(([key, spec]) => [key, spec.default]));
  assert.equal(defaults["com.openexchange.pns.delayDuration"], 1000);
  assert.equal(defaults["com.openexchange.pns.timerFrequency"], 500);
  assert.equal(defaults["com.openexchange.pns.numProcessorThreads"], 10);
  assert.equal(defaults["com.openexchange.pns.maxProcessorTasks"], 65536);
  assert.equal(defaults["com.openexchange.pns.transport.websocket.enabled"], true);
  assert.equal(defaults["com.openexchange.pns.transport.apn.ios.enabled"], false);
  assert.equal(defaults["com.openexchange.pns.transport.gcm.enabled"], false);
  assert.equal(defaults["com.openexchange.pns.transport.wns.enabled"], false);
});

for (const [key, spec] of entries()) {
  Deno.test(`the default and the example of ${key} are values of it, and differ`, () => {
    const preset = readValue(spec, valueText(spec.default));
    const example = readValue(spec, spec.example);
    assert.deepEqual(preset, { ok: true, value: spec.default });
    assert.ok(example.ok);
    assert.notDeepEqual(example.value, spec.default);
  });
}

Deno.test("a name is found with its client and topic", () => {
  const name = "com.openexchange.pns.transport.gcm.enabled.my.client.ox:mail:new";
  assert.equal(findName(name)?.key, "com.openexchange.pns.transport.gcm.enabled");
  assert.equal(findName(name)?.name, name);
});

Deno.test("an alias is another name of the same key, with client and topic", () => {
  assert.equal(
    findName("com.openexchange.pns.transport.apns_http2.ios.enabled.c.ox:mail:new")?.name,
    "com.openexchange.pns.transport.apn.ios.enabled.c.ox:mail:new",
  );
  assert.equal(
    findName("com.openexchange.pns.transport.fcm.enabled")?.name,
    "com.openexchange.pns.transport.gcm.enabled",
  );
});

Deno.test("other keys cannot be followed by a client", () => {
  assert.equal(findName(`${DELAY}.client`), undefined);
  assert.equal(findName("com.openexchange.pns.transport.gcm.enabled."), undefined);
});

Deno.test("values are read by their type", () => {
  assert.equal(valueOf(DELAY, " 3000 "), 3000);
  assert.equal(valueOf("com.openexchange.websockets.enabled", "FALSE"), false);
  assert.equal(valueOf("io.carillon.log.level", "DEBUG"), "debug");
  assert.deepEqual(valueOf("com.openexchange.config.cascade.types", " a, b ,,a "), ["a", "b"]);
  assert.deepEqual(valueOf(ORIGIN, "*, https://a.example:8443"), ["*", "https://a.example:8443"]);
});

for (
  const [name, raw] of [
    [DELAY, "soon"],
    [DELAY, "-1"],
    [DELAY, "1.5"],
    [DELAY, ""],
    [DELAY, "99999999999999999999"],
    ["com.openexchange.websockets.enabled", "yes"],
    ["io.carillon.log.level", "loud"],
    ["com.openexchange.config.cascade.scopes", "user, galaxy"],
    [ORIGIN, "https://a.example/path"],
    [ORIGIN, "a.example"],
    ["io.carillon.feedback.url", "ftp://a.example"],
  ] as const
) {
  Deno.test(`'${raw}' is no value of ${name}`, () => {
    assert.equal(readSetting(name, raw).kind, "wrong");
  });
}

Deno.test("a misspelt name is reported with the nearest known one", () => {
  assert.equal(nearestName("com.openexchange.pns.delayDuraton"), DELAY);
  assert.equal(
    nearestName("com.openexchange.pns.transport.websocket.enable.some-client.ox:mail:new"),
    "com.openexchange.pns.transport.websocket.enabled.some-client.ox:mail:new",
  );
  assert.equal(nearestName("something.else"), undefined);
});

Deno.test("every key has an environment variable of its own", () => {
  assert.equal(variableName(DELAY), "COM_OPENEXCHANGE_PNS_DELAYDURATION");
  const keys = Object.keys(KEYS) as Key[];
  assert.equal(new Set(keys.map(variableName)).size, keys.length);
  for (const key of keys) assert.equal(nameOfVariable(variableName(key).toLowerCase()), key);
});

Deno.test("readSetting() survives any name and value", () => {
  const names = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(...Object.keys(KEYS), "__proto__", "constructor"),
  );
  fc.assert(fc.property(names, fc.string({ unit: "binary" }), (name, raw) => {
    const read = readSetting(name, raw);
    if (read.kind === "setting") {
      assert.deepEqual(readValue(read.spec, valueText(read.value)), {
        ok: true,
        value: read.value,
      });
    }
  }));
});
