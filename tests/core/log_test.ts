import assert from "node:assert/strict";
import { createLog, LOG_LEVELS, type LogOptions, silentLog } from "../../core/log.ts";

const NOW = Date.UTC(2026, 0, 1);

Deno.test("a line is one JSON object with level, time, message and fields", () => {
  const { log, lines } = setup();
  log.info("started", { port: 8080 });
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [
    { level: "info", time: "2026-01-01T00:00:00.000Z", port: 8080, message: "started" },
  ]);
  assert.ok(lines[0]!.endsWith("}\n"));
});

Deno.test("lines below the level are not written", () => {
  const { log, lines } = setup({ level: "warn" });
  for (const level of LOG_LEVELS) log[level]("x");
  assert.deepEqual(lines.map((line) => JSON.parse(line).level), ["warn", "error"]);
});

const SECRETS = [
  "token",
  "sourceToken",
  "session",
  "secret",
  "password",
  "key",
  "apiKey",
  "authorization",
  "cookie",
  "data",
  "payload",
  "title",
  "body",
  "subject",
  "teaser",
  "endpoint",
];
for (const name of SECRETS) {
  Deno.test(`the field '${name}' never reaches a log`, () => {
    const { log, lines } = setup();
    log.info("top", { [name]: "hunter2" });
    log.info("below", { request: { [name]: "hunter2" } });
    log.info("structured", { [name]: { inner: "hunter2" } });
    log.with({ [name]: "hunter2" }).info("bound");
    log.with({ request: { [name]: "hunter2" } }).with({ a: 1 }).info("bound twice");
    assert.equal(lines.length, 5);
    for (const line of lines) {
      assert.doesNotMatch(line, /hunter2/);
      assert.match(line, /\[redacted\]/);
    }
  });
}

Deno.test("redaction leaves the caller's object alone", () => {
  const { log } = setup();
  const fields = { token: "hunter2", request: { token: "hunter2" } };
  log.info("x", fields);
  assert.deepEqual(fields, { token: "hunter2", request: { token: "hunter2" } });
});

Deno.test("a logger with fields adds them to its lines and to no others", () => {
  const { log, lines } = setup();
  log.with({ context: "1" }).with({ user: "7" }).warn("x", { topic: "ox" });
  log.warn("y");
  const [first, second] = lines.map((line) => JSON.parse(line));
  assert.deepEqual([first.context, first.user, first.topic], ["1", "7", "ox"]);
  assert.equal(second.context, undefined);
});

Deno.test("a line break in a field cannot begin another line", () => {
  const { log, lines } = setup();
  log.info("x", { text: 'a\n{"level":"error"}' });
  assert.equal(lines.length, 1);
  assert.equal(lines[0]!.trimEnd().split("\n").length, 1);
});

Deno.test("the silent logger takes everything and stays silent", () => {
  const log = silentLog.with({ a: 1 });
  for (const level of LOG_LEVELS) assert.equal(log[level]("x"), undefined);
});

function setup(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line), now: () => NOW, ...options });
  return { log, lines };
}
