import assert from "node:assert/strict";
import fc from "fast-check";
import type { TrailStep, View } from "../../cascade/mod.ts";
import { testCascade } from "./support.ts";

const WEBSOCKET = "com.openexchange.pns.transport.websocket.enabled";
const APN = "com.openexchange.pns.transport.apn.ios.enabled";
const APPSUITE = "open-xchange-appsuite";
const ANNA = { context: "1", user: "3" };

function isOn(view: View, topic = "ox:mail:new", client = APPSUITE): boolean {
  return view.enabled("websocket", client, topic);
}

function chosen(trail: readonly TrailStep[]): TrailStep {
  const steps = trail.filter((step) => step.chosen);
  assert.equal(steps.length, 1);
  return steps[0]!;
}

Deno.test("without any configuration the defaults hold", async () => {
  await using t = await testCascade();
  const view = await t.cascade.current().view("1", "3");
  assert.equal(isOn(view), true);
  assert.equal(view.enabled("apn", "any", "any"), false);
  assert.equal(view.get("com.openexchange.websockets.enabled"), true);
  assert.equal(view.get("com.openexchange.pns.delayDuration"), 1000);
});

Deno.test("the seed's own example works in both spellings", async () => {
  for (const colon of [":", "\\:"]) {
    await using t = await testCascade({
      "pns.properties": `${WEBSOCKET}.${APPSUITE}.ox${colon}mail${colon}new=true\n` +
        `${WEBSOCKET}.${APPSUITE}.ox${colon}calendar${colon}new=false\n`,
    });
    const view = await t.cascade.current().view("1", "3");
    assert.equal(isOn(view, "ox:mail:new"), true);
    assert.equal(isOn(view, "ox:calendar:new"), false);
    assert.equal(isOn(view, "ox:calendar:updates"), true);
    assert.equal(isOn(view, "ox:calendar:new", "another-client"), true);
  }
});

Deno.test("client and topic count before client, and that before the base", async () => {
  await using t = await testCascade({
    "pns.properties": `${WEBSOCKET}=false\n${WEBSOCKET}.a=true\n${WEBSOCKET}.a.ox:mail:new=false`,
  });
  const view = await t.cascade.current().view("1", "3");
  assert.equal(isOn(view, "ox:mail:new", "a"), false);
  assert.equal(isOn(view, "ox:other", "a"), true);
  assert.equal(isOn(view, "ox:mail:new", "b"), false);
});

Deno.test("scopes are asked user, context, context sets, server", async () => {
  const key = "com.openexchange.websockets.enabled";
  await using t = await testCascade({
    "a.properties": `${key}=false`,
    "contextSets/a.yml": `a: { withTags: "1", ${key}: true }`,
  });
  const { attributes, cascade } = t;
  const value = async () => (await cascade.current().view("1", "3")).get(key);
  assert.equal((await cascade.current().view("2", "3")).get(key), false);
  assert.equal(await value(), true);
  await attributes.contexts.replace({ context: "1" }, { attributes: { [key]: false } });
  assert.equal(await value(), false);
  await attributes.users.replace(ANNA, { attributes: { [key]: true } });
  assert.equal(await value(), true);
});

Deno.test("a more specific name at server scope beats a less specific one of the user", async () => {
  await using t = await testCascade({ "a.properties": `${WEBSOCKET}.${APPSUITE}=false` });
  await t.attributes.users.replace(ANNA, { attributes: { [WEBSOCKET]: true } });
  assert.equal(isOn(await t.cascade.current().view("1", "3")), false);
});

Deno.test("an alias in one scope is overruled by the key in a more specific one", async () => {
  await using t = await testCascade({
    "a.properties": "com.openexchange.pns.transport.apns_http2.ios.enabled=true",
  });
  const view = async () => await t.cascade.current().view("1", "3");
  assert.equal((await view()).enabled("apn", "c", "t"), true);
  await t.attributes.users.replace(ANNA, { attributes: { [APN]: false } });
  assert.equal((await view()).enabled("apn", "c", "t"), false);
});

Deno.test("the order of the scopes can be changed, and scopes left out", async () => {
  const key = "com.openexchange.websockets.enabled";
  const scopes = "com.openexchange.config.cascade.scopes";
  for (const [order, expected] of [["server, user", true], ["context", true]] as const) {
    await using t = await testCascade({ "a.properties": `${key}=true\n${scopes}=${order}` });
    await t.attributes.users.replace(ANNA, { attributes: { [key]: false } });
    assert.equal((await t.cascade.current().view("1", "3")).get(key), expected);
  }
});

Deno.test("a final property ignores more specific scopes", async () => {
  const key = "com.openexchange.websockets.enabled";
  await using t = await testCascade({
    "a.properties": `${key}=false`,
    "meta/a.yml": `${key}: { final: context, protected: true }`,
  });
  await t.attributes.users.replace(ANNA, { attributes: { [key]: true } });
  const value = async () => (await t.cascade.current().view("1", "3")).get(key);
  assert.equal(await value(), false);
  await t.attributes.contexts.replace({ context: "1" }, { attributes: { [key]: true } });
  assert.equal(await value(), true);
  const { trail } = (await t.cascade.current().view("1", "3")).explainKey(key);
  assert.equal(trail.find(({ scope }) => scope === "user")?.barred, true);
});

Deno.test("a final switch is final for its own name", async () => {
  await using t = await testCascade({
    "meta/a.yml": `${WEBSOCKET}: { final: server, value: false }`,
  });
  await t.attributes.users.replace(ANNA, {
    attributes: { [WEBSOCKET]: true, [`${WEBSOCKET}.special`]: true },
  });
  const view = await t.cascade.current().view("1", "3");
  assert.equal(isOn(view), false);
  assert.equal(isOn(view, "t", "special"), true);
});

Deno.test("the first matching context set that has a key wins", async () => {
  const key = "com.openexchange.websockets.enabled";
  await using t = await testCascade({
    "contextSets/b.yml": `late: { withTags: "1", ${key}: true }`,
    "contextSets/a.yml": `other: { withTags: "2", ${key}: true }\n` +
      `first: { withTags: "1" }\nsecond: { withTags: "1", ${key}: false }\n`,
  });
  assert.equal((await t.cascade.current().view("1", "3")).get(key), false);
});

Deno.test("types of a scope other than context sets are tags", async () => {
  await using t = await testCascade({
    "a.properties": "com.openexchange.config.cascade.types=basic",
    "contextSets/a.yml": `a: { withTags: premium & !basic, ${WEBSOCKET}: false }`,
  });
  assert.equal(isOn(await t.cascade.current().view("1", "3")), true);
  await t.attributes.users.replace(ANNA, {
    attributes: { "com.openexchange.config.cascade.types": "premium" },
  });
  assert.equal(isOn(await t.cascade.current().view("1", "3")), false);
  assert.equal(isOn(await t.cascade.current().view("1", "4")), true);
});

Deno.test("the name, taxonomy and permissions on records are tags", async () => {
  await using t = await testCascade({
    "contextSets/a.yml": `a: { withTags: acme & gold & ucWebMail, ${WEBSOCKET}: false }`,
  });
  await t.attributes.contexts.replace({ context: "1" }, {
    name: "acme",
    attributes: { "taxonomy/types": "silver,gold" },
  });
  await t.attributes.users.replace(ANNA, { permissions: ["ucWebMail"] });
  assert.equal(isOn(await t.cascade.current().view("1", "3")), false);
  assert.equal(isOn(await t.cascade.current().view("1", "4")), true);
});

Deno.test("users whom nothing sets apart share one view", async () => {
  await using t = await testCascade({
    "contextSets/a.yml": `a: { withTags: "7 | 8", ${WEBSOCKET}: false }`,
  });
  await t.attributes.contexts.replace({ context: "9" }, { attributes: { [WEBSOCKET]: false } });
  await t.attributes.users.replace({ context: "1", user: "9" }, { permissions: ["ucWebMail"] });
  const snapshot = t.cascade.current();
  const view = async (context: string, user: string) => await snapshot.view(context, user);
  assert.equal(await view("1", "1"), await view("2", "2"));
  assert.equal(await view("1", "1"), await view("1", "9"));
  assert.equal(await view("7", "1"), await view("8", "2"));
  assert.equal(await view("9", "1"), await view("9", "2"));
  assert.notEqual(await view("1", "1"), await view("7", "1"));
  assert.notEqual(await view("1", "1"), await view("9", "1"));
});

Deno.test("a view that was asked for before is there at once", async () => {
  await using t = await testCascade();
  const first = t.cascade.current().view("1", "3");
  assert.ok(first instanceof Promise);
  const view = await first;
  assert.equal(t.cascade.current().view("1", "3"), view);
});

Deno.test("explain() returns every place that was searched, and which one decided", async () => {
  await using t = await testCascade({
    "pns.properties": `\n${WEBSOCKET}.a=false\n${WEBSOCKET}=true`,
  });
  await t.attributes.users.replace(ANNA, { attributes: { [WEBSOCKET]: true } });
  const { value, trail } = (await t.cascade.current().view("1", "3"))
    .explain("websocket", "a", "ox:mail:new");
  assert.equal(value, false);
  assert.deepEqual(chosen(trail), {
    key: `${WEBSOCKET}.a`,
    scope: "server",
    source: "pns.properties:2:1",
    value: "false",
    chosen: true,
  });
  assert.deepEqual(trail.map(({ key, scope }) => `${key.slice(WEBSOCKET.length)} ${scope}`), [
    ...["user", "context", "contextSets", "server"].map((scope) => `.a.ox:mail:new ${scope}`),
    ...["user", "context", "contextSets", "server"].map((scope) => `.a ${scope}`),
    ...["user", "context", "contextSets", "server"].map((scope) => ` ${scope}`),
    " default",
  ]);
  const overruled = trail.find(({ scope, value }) => scope === "user" && value !== undefined);
  assert.equal(overruled?.source, "user attribute");
});

Deno.test("explain() marks the default where nothing is set", async () => {
  await using t = await testCascade();
  const { value, trail } = (await t.cascade.current().view("1", "3")).explain("apn", "a", "b");
  assert.equal(value, false);
  assert.deepEqual(chosen(trail), { key: APN, scope: "default", value: "false", chosen: true });
});

Deno.test("explainKey() does not reveal secrets", async () => {
  await using t = await testCascade({ "a.properties": "io.carillon.feedback.secret=hush-hush" });
  const view = await t.cascade.current().view("1", "3");
  const { value, trail } = view.explainKey("io.carillon.feedback.secret");
  assert.equal(value, "hush-hush");
  assert.equal(chosen(trail).value, "[redacted]");
});

Deno.test("enabled() and explain() never disagree", async () => {
  const name = fc.constantFrom("", ".a", ".b", ".a.t", ".a.u", ".a.b", ".b.t");
  const settings = fc.dictionary(name, fc.boolean());
  const finals = fc.dictionary(name, fc.constantFrom("user", "context", "contextSets", "server"));
  await fc.assert(
    fc.asyncProperty(
      fc.record({ user: settings, context: settings, set: settings, server: settings, finals }),
      async (given) => {
        const lines = (values: Readonly<Record<string, unknown>>, separator: string) =>
          Object.entries(values).map(([suffix, value]) =>
            `${WEBSOCKET}${suffix}${separator}${value}`
          );
        await using t = await testCascade({
          "a.properties": lines(given.server, "=").join("\n"),
          "contextSets/a.yml": ["a:", "withTags: '1'", ...lines(given.set, ": ")].join("\n  "),
          "meta/a.yml": lines(given.finals, ": { final: ").map((line) => `${line} }`).join("\n"),
        });
        const named = (values: Readonly<Record<string, boolean>>) =>
          Object.fromEntries(Object.entries(values).map(([key, on]) => [WEBSOCKET + key, on]));
        await t.attributes.contexts.replace({ context: "1" }, { attributes: named(given.context) });
        await t.attributes.users.replace(ANNA, { attributes: named(given.user) });
        const view = await t.cascade.current().view("1", "3");
        for (const client of ["a", "b", "a.b", "c"]) {
          for (const topic of ["t", "u", "b"]) {
            const { value } = view.explain("websocket", client, topic);
            assert.equal(view.enabled("websocket", client, topic), value, `${client} ${topic}`);
          }
        }
      },
    ),
  );
});
