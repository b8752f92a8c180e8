import assert from "node:assert/strict";
import { type ReloadResult, startCascade } from "../../cascade/mod.ts";
import { ServiceError } from "../../core/errors.ts";
import { silentLog } from "../../core/log.ts";
import { settle } from "../support/fake_clock.ts";
import { testCascade } from "./support.ts";
import { createMemoryConfigFiles } from "../support/memory_config_files.ts";

const DELAY = "com.openexchange.pns.delayDuration";
const WEBSOCKET = "com.openexchange.pns.transport.websocket.enabled";

function accepted(result: ReloadResult) {
  assert.ok(result.ok);
  return result;
}

Deno.test("files are read in order of path, the last one that has a key wins with a warning", async () => {
  await using t = await testCascade({
    "b.properties": `${DELAY}=2`,
    "a.properties": `${DELAY}=1`,
    "a/z.properties": `\n ${DELAY}=3`,
  });
  assert.equal(t.cascade.current().settings.buffer.delayDuration, 2);
  assert.deepEqual(t.logged.map(({ level, fields }) => [level, fields.file, fields.line]), [
    ["warn", "a/z.properties", 2],
    ["warn", "b.properties", 1],
  ]);
});

Deno.test("meta overrules the files, and the environment overrules both", async () => {
  const environment = { com_openexchange_pns_TIMERFREQUENCY: "7", PATH: "/bin" };
  await using t = await testCascade({
    "a.properties": `${DELAY}=1\ncom.openexchange.pns.timerFrequency=1`,
    "meta/a.yml": `${DELAY}: { value: 5 }\ncom.openexchange.pns.timerFrequency: { value: 6 }`,
  }, { environment });
  const { buffer } = t.cascade.current().settings;
  assert.deepEqual([buffer.delayDuration, buffer.timerFrequency], [5, 7]);
});

Deno.test("a value in meta is read as YAML 1.1 reads a boolean, and otherwise as it is written", async () => {
  const sound = "com.openexchange.pns.mobile.api.facade.apn.sound.filename";
  await using t = await testCascade({
    "meta/a.yml": `${WEBSOCKET}: { value: off }\n${sound}: { value: 0123 }`,
  });
  const view = await t.cascade.current().view("1", "2");
  assert.equal(view.get(WEBSOCKET), false);
  assert.equal(view.get(sound), "0123");
});

Deno.test("a variable that names no key is a warning, one with a wrong value a fault", async () => {
  await using t = await testCascade({}, {
    environment: { COM_OPENEXCHANGE_PNS_DELAYDURATON: "7" },
  });
  assert.match(String(t.logged[0]?.fields.warning), /COM_OPENEXCHANGE_PNS_DELAYDURATION/);
  await assert.rejects(
    testCascade({}, { environment: { COM_OPENEXCHANGE_PNS_DELAYDURATION: "soon" } }),
    { code: "invalid_configuration" },
  );
});

Deno.test("a start with faulty configuration throws all faults with their places", async () => {
  const start = testCascade({
    "a.properties": `ok=1\n${DELAY}=soon\ncom.openexchange.pns.timerFrequency`,
    "contextSets/a.yml": "a: { withTags: '(' }",
    "meta/a.yml": `${DELAY}: { final: galaxy }`,
  });
  await assert.rejects(start, (thrown) => {
    assert.ok(thrown instanceof ServiceError);
    assert.equal(thrown.code, "invalid_configuration");
    assert.deepEqual(thrown.faults.map(({ path }) => path).sort(), [
      "a.properties:2:36",
      "a.properties:3:36",
      "contextSets/a.yml:1:18",
      "meta/a.yml:1:46",
    ]);
    return true;
  });
});

Deno.test("what other programs have in the folder does not stop a start", async () => {
  const large = `com.openexchange.mail.list=${"x".repeat(4 * 1024 * 1024)}`;
  await using t = await testCascade({
    "a.properties": `com.openexchange.mail.unset\n=1\nb=\\u00g\n${DELAY}=3`,
    "large.properties": large,
    "meta/a.yml": "com.openexchange.mail.a: [1]\nb: { value: [1], final: galaxy }\nb: 1",
    "contextSets/a.yml": "a: { withTags: x, com.openexchange.mail.folders: [a, b] }",
    "settings/a.yml": "a: [",
  });
  assert.equal(t.cascade.current().settings.buffer.delayDuration, 3);
  assert.deepEqual(t.logged.map(({ level, fields }) => [level, fields.file, fields.line]), [
    ["warn", "large.properties", 1],
    ["warn", "a.properties", 3],
    ["warn", "a.properties", 2],
  ]);
});

for (
  const [what, line] of [
    ["a key of ours without a separator", DELAY],
    ["a key of our own namespace without a separator", "io.carillon.unheardOf"],
    ["a broken escape in a value of ours", `${DELAY}=\\u12`],
    ["a switch of ours without a separator", `${WEBSOCKET}.client.ox\\:mail\\:new`],
  ]
) {
  Deno.test(`${what} stops a start`, async () => {
    await assert.rejects(testCascade({ "a.properties": line! }), {
      code: "invalid_configuration",
    });
  });
}

Deno.test("a file of another program that cannot be read does not stop a start", async () => {
  const files = createMemoryConfigFiles({ "a.properties": `${DELAY}=3`, "secret.yml": "a: 1" });
  const t = await testCascade();
  await t[Symbol.asyncDispose]();
  await using cascade = await startCascade({
    files: {
      ...files,
      read: (path) => path === "secret.yml" ? Promise.reject(new Error()) : files.read(path),
    },
    attributes: t.attributes,
    environment: {},
    clock: t.clock,
    log: silentLog,
    metrics: { count() {} },
  });
  assert.equal(cascade.current().settings.buffer.delayDuration, 3);
});

Deno.test("a file of this service that cannot be read refuses the configuration", async () => {
  const files = createMemoryConfigFiles({ "pns.properties": "" });
  const t = await testCascade();
  await t[Symbol.asyncDispose]();
  const result = startCascade({
    files: { ...files, read: () => Promise.reject(new Error("permission denied")) },
    attributes: t.attributes,
    environment: {},
    clock: t.clock,
    log: silentLog,
    metrics: { count() {} },
  });
  await assert.rejects(result, /pns\.properties:1:1: cannot be read: permission denied/);
});

Deno.test("an unknown key in our namespaces is a warning with the nearest known one", async () => {
  await using t = await testCascade({
    "a.properties": "com.openexchange.pns.delayDuraton=1\ncom.openexchange.mail.other=x\nfoo=bar",
  });
  assert.equal(t.logged.length, 1);
  assert.deepEqual(t.logged[0]?.fields, {
    file: "a.properties",
    line: 1,
    column: 1,
    warning: `'com.openexchange.pns.delayDuraton' is not known; did you mean '${DELAY}'?`,
  });
});

Deno.test("a reload takes effect as a whole and reports what changed", async () => {
  await using t = await testCascade({ "a.properties": `${DELAY}=1` });
  const before = t.cascade.current();
  t.files.write("a.properties", `${DELAY}=2\nio.carillon.websocket.pingInterval=9000`);
  t.files.write("contextSets/a.yml", `a: { withTags: "1", ${WEBSOCKET}.c: false }`);
  const result = accepted(await t.cascade.reload());
  assert.deepEqual(result.changedKeys, [
    DELAY,
    `${WEBSOCKET}.c`,
    "io.carillon.websocket.pingInterval",
  ]);
  assert.deepEqual(result.needsRestart, ["io.carillon.websocket.pingInterval"]);
  assert.equal(before.settings.buffer.delayDuration, 1);
  assert.equal(t.cascade.current().settings.buffer.delayDuration, 2);
});

Deno.test("an existing snapshot does not change with a reload", async () => {
  await using t = await testCascade({ "a.properties": `${WEBSOCKET}=false` });
  const before = t.cascade.current();
  t.files.write("a.properties", `${WEBSOCKET}=true`);
  await t.cascade.reload();
  assert.equal((await before.view("1", "3")).enabled("websocket", "c", "t"), false);
  assert.equal((await t.cascade.current().view("1", "3")).enabled("websocket", "c", "t"), true);
});

Deno.test("a context set that only matches others now is a change of what it sets", async () => {
  await using t = await testCascade({
    "contextSets/a.yml": `a: { withTags: x, ${WEBSOCKET}: false }`,
  });
  t.files.write("contextSets/a.yml", `a: { withTags: y, ${WEBSOCKET}: false }`);
  assert.deepEqual(accepted(await t.cascade.reload()).changedKeys, [WEBSOCKET]);
});

Deno.test("a reload without a change changes nothing", async () => {
  await using t = await testCascade({ "a.properties": `${DELAY}=1` });
  assert.deepEqual(accepted(await t.cascade.reload()).changedKeys, []);
});

Deno.test("a faulty file refuses the reload as a whole, and the old configuration stays", async () => {
  await using t = await testCascade({ "a.properties": `${DELAY}=1` });
  const before = t.cascade.current();
  t.files.write("a.properties", `${DELAY}=2`);
  t.files.write("contextSets/a.yml", "a:\n  withTags: x\n  com.openexchange.websockets.enabled: 3");
  assert.deepEqual(await t.cascade.reload(), {
    ok: false,
    faults: [{
      file: "contextSets/a.yml",
      line: 3,
      column: 40,
      message: "'com.openexchange.websockets.enabled' must be 'true' or 'false', not '3'",
    }],
  });
  assert.equal(t.cascade.current(), before);
  assert.deepEqual(t.counted, ['carillon_config_reloads_total {"result":"refused"}']);
});

Deno.test("a fault does not quote a secret", async () => {
  const secret = "io.carillon.feedback.secret";
  await using t = await testCascade();
  t.files.write("a.properties", `${secret}=hush\\u00hush`);
  const result = await t.cascade.reload();
  assert.ok(!result.ok);
  assert.doesNotMatch(JSON.stringify([result, t.logged]), /hush/);
});

Deno.test("changed files are read once, shortly after the last change", async () => {
  await using t = await testCascade();
  const seen: number[] = [];
  t.cascade.onSwap(({ settings }) => seen.push(settings.buffer.delayDuration));
  t.files.write("a.properties", `${DELAY}=1`);
  await t.clock.advance(200);
  t.files.write("a.properties", `${DELAY}=2`);
  await t.clock.advance(200);
  assert.deepEqual(seen, []);
  await t.clock.advance(50);
  assert.deepEqual(seen, [2]);
});

Deno.test("listeners are called until they are removed, and one that throws does not affect others", async () => {
  await using t = await testCascade();
  const delivered: string[] = [];
  const leave = t.cascade.onSwap(() => delivered.push("first"));
  t.cascade.onSwap(() => assert.fail("broken"));
  t.cascade.onSwap((snapshot, changed) => {
    assert.equal(snapshot, t.cascade.current());
    delivered.push(`second ${changed.length}`);
  });
  await t.cascade.reload();
  leave();
  t.files.write("a.properties", `${DELAY}=1`);
  await t.cascade.reload();
  assert.deepEqual(delivered, ["first", "second 0", "second 1"]);
  assert.ok(t.logged.some(({ level, fields }) => level === "error" && fields.error === "broken"));
});

Deno.test("no reload runs beside another, whenever it is asked for", async () => {
  await using t = await testCascade();
  const { list } = t.files;
  let running = 0;
  let most = 0;
  t.files.list = async () => {
    most = Math.max(most, ++running);
    const paths = await list();
    running--;
    return paths;
  };
  const results: Promise<ReloadResult>[] = [];
  for (let turn = 0; turn < 200; turn++) {
    results.push(t.cascade.reload());
    await null;
  }
  await Promise.all(results);
  assert.equal(most, 1);
});

Deno.test("reloads that are asked for while one runs share the next one", async () => {
  await using t = await testCascade();
  const results = [t.cascade.reload(), t.cascade.reload(), t.cascade.reload()];
  assert.equal(results[1], results[2]);
  t.files.write("a.properties", `${DELAY}=5`);
  await Promise.all(results);
  assert.equal(t.cascade.current().settings.buffer.delayDuration, 5);
  assert.equal(t.counted.length, 2);
});

Deno.test("a snapshot contains the other files of the folder", async () => {
  await using t = await testCascade({ "pns-apns-options.yml": "a: {}" });
  assert.equal(t.cascade.current().file("pns-apns-options.yml"), "a: {}");
  assert.equal(t.cascade.current().file("nothing.yml"), undefined);
});

Deno.test("a folder that cannot be watched is a warning", async () => {
  const t = await testCascade();
  await t[Symbol.asyncDispose]();
  const warned: unknown[] = [];
  await using cascade = await startCascade({
    files: { ...t.files, watch: () => Promise.reject(new Error("no watches left")) },
    attributes: t.attributes,
    environment: {},
    clock: t.clock,
    log: {
      debug() {},
      info() {},
      warn: (message, fields) => void warned.push([message, fields]),
      error() {},
      with: () => assert.fail(),
    },
    metrics: { count() {} },
  });
  await settle();
  assert.deepEqual(warned, [
    ["Cannot watch the configuration files; changes need a reload", { error: "no watches left" }],
  ]);
  assert.ok(cascade.current());
});

Deno.test("after its end a cascade reads no changed files", async () => {
  const t = await testCascade();
  t.files.write("a.properties", `${DELAY}=5`);
  await t[Symbol.asyncDispose]();
  t.files.write("a.properties", `${DELAY}=6`);
  await t.clock.advance(1000);
  assert.equal(t.cascade.current().settings.buffer.delayDuration, 1000);
  assert.equal(t.clock.timers, 0);
});

Deno.test("maxDelayDuration follows delayDuration unless it is set", async () => {
  await using t = await testCascade({ "a.properties": `${DELAY}=4000` });
  assert.equal(t.cascade.current().settings.buffer.maxDelayDuration, 4000);
  t.files.write("b.properties", "com.openexchange.pns.maxDelayDuration=9000");
  await t.cascade.reload();
  assert.equal(t.cascade.current().settings.buffer.maxDelayDuration, 9000);
});

Deno.test("a reload keeps the old configuration where a file that named our keys is unreadable", async () => {
  const files = createMemoryConfigFiles({ "a.properties": `${DELAY}=3`, "b.properties": "x=1" });
  const unreadable = new Set<string>();
  const t = await testCascade();
  await t[Symbol.asyncDispose]();
  await using cascade = await startCascade({
    files: {
      ...files,
      read: (path) =>
        unreadable.has(path) ? Promise.reject(new Error("permission denied")) : files.read(path),
    },
    attributes: t.attributes,
    environment: {},
    clock: t.clock,
    log: silentLog,
    metrics: { count() {} },
  });
  unreadable.add("b.properties");
  const foreign = await cascade.reload();
  assert.ok(foreign.ok);
  assert.match(foreign.warnings[0]!.message, /cannot be read: permission denied/);
  unreadable.add("a.properties");
  assert.equal((await cascade.reload()).ok, false);
  assert.equal(cascade.current().settings.buffer.delayDuration, 3);
});
