import assert from "node:assert/strict";
import plugin from "../../scripts/lint_plugin.ts";

/** The rules that object to a source, without the plugin's name. */
function lint(file: string, source: string): readonly string[] {
  return Deno.lint.runPlugin(plugin, file, source).map(({ id }) => id.replace("carillon/", ""));
}

Deno.test("layers: a folder may import itself and what its row names", () => {
  const source = `import { a } from "./b.ts"; import { c } from "../core/clock.ts";
    import { s } from "../cascade/mod.ts";`;
  assert.deepEqual(lint("delivery/a.ts", source), []);
});

Deno.test("layers: core imports nothing of ours", () => {
  assert.deepEqual(lint("core/a.ts", `import { x } from "../store/mod.ts";`), ["layers"]);
});

Deno.test("layers: a transport must not import the store, from any depth", () => {
  const source = `import { x } from "../../store/mod.ts";`;
  assert.deepEqual(lint("transports/apns/client.ts", source), ["layers"]);
});

Deno.test("layers: delivery may take types from the buffer, and only types", () => {
  assert.deepEqual(lint("delivery/a.ts", `import type { B } from "../buffer/mod.ts";`), []);
  assert.deepEqual(lint("delivery/a.ts", `import { B } from "../buffer/mod.ts";`), ["layers"]);
});

Deno.test("layers: re-exports and dynamic imports count", () => {
  assert.deepEqual(lint("core/a.ts", `export * from "../auth/mod.ts";`), ["layers"]);
  assert.deepEqual(lint("core/a.ts", `export { x } from "../auth/mod.ts";`), ["layers"]);
  assert.deepEqual(lint("core/a.ts", `await import("../auth/mod.ts");`), ["layers"]);
});

Deno.test("layers: no folder may import main.ts", () => {
  assert.deepEqual(lint("routes/a.ts", `import { x } from "../main.ts";`), ["layers"]);
});

Deno.test("layers: a folder that is not in the table is reported", () => {
  assert.deepEqual(lint("misc/a.ts", `import { x } from "../core/ids.ts";`), ["layers"]);
});

Deno.test("layers: main.ts, tests and benches import everything; packages are free", () => {
  assert.deepEqual(lint("main.ts", `import { x } from "./delivery/mod.ts";`), []);
  assert.deepEqual(lint("tests/flow/a_test.ts", `import { x } from "../../store/kv.ts";`), []);
  assert.deepEqual(lint("core/a.ts", `import { z } from "zod";`), []);
});

Deno.test("private-files: a _name.ts belongs to its folder, and not to the folders below", () => {
  const own = `import { x } from "./_http.ts";`;
  assert.deepEqual(lint("transports/client.ts", own), []);
  const above = `import { x } from "../_http.ts";`;
  assert.deepEqual(lint("transports/apns/client.ts", above), ["private-files"]);
  const foreign = `import { x } from "./apns/_jwt.ts";`;
  assert.deepEqual(lint("transports/mod.ts", foreign), ["private-files"]);
});

for (
  const source of [
    `const now = Date.now();`,
    `const now = new Date();`,
    `const chance = Math.random();`,
    `const home = Deno.env.get("HOME");`,
    `const kv = await Deno.openKv();`,
    `const answer = await fetch("https://example.org");`,
    `const answer = await globalThis.fetch("https://example.org");`,
    `setTimeout(() => {}, 1);`,
    `function f(other) { setInterval(other, 1); }`,
    `console.log(1);`,
  ]
) {
  Deno.test(`handed-in: refuses ${source}`, () => {
    assert.deepEqual(lint("delivery/a.ts", source), ["handed-in"]);
  });
}

Deno.test("handed-in: what was handed in may be called by its usual name", () => {
  const source = `function f({ fetch }: { fetch: typeof globalThis.fetch }) { return fetch("/"); }
    function g(options) { const { setTimeout } = options; setTimeout(f, 1); }
    function h(console) { console.log(1); }`;
  assert.deepEqual(lint("delivery/a.ts", source), []);
});

Deno.test("handed-in: a date of a known moment is no clock", () => {
  assert.deepEqual(lint("delivery/a.ts", `const at = new Date(0);`), []);
});

Deno.test("handed-in: the places that hand in are free", () => {
  for (const file of ["main.ts", "store/kv.ts", "core/clock.ts", "tests/a_test.ts"]) {
    assert.deepEqual(lint(file, `console.log(Date.now(), Deno.env.get("A"));`), []);
  }
});

Deno.test("handed-in: only where sockets are accepted may they be accepted", () => {
  const source = `Deno.upgradeWebSocket(request);`;
  assert.deepEqual(lint("realtime/upgrade.ts", source), []);
  assert.deepEqual(lint("routes/upgrade.ts", source), ["handed-in"]);
});

Deno.test("no-private-keyword: fields, methods and parameters", () => {
  assert.deepEqual(lint("core/a.ts", `class A { private x = 1; }`), ["no-private-keyword"]);
  assert.deepEqual(lint("core/a.ts", `class A { private x() {} }`), ["no-private-keyword"]);
  const parameter = `class A { constructor(private readonly x: string) {} }`;
  assert.deepEqual(lint("core/a.ts", parameter), ["no-private-keyword"]);
  assert.deepEqual(lint("core/a.ts", `class A { #x = 1; x() { return this.#x; } }`), []);
});

Deno.test("top-level-function: arrows are for places inside", () => {
  assert.deepEqual(lint("core/a.ts", `export const f = () => 1;`), ["top-level-function"]);
  assert.deepEqual(lint("core/a.ts", `const f = function () {};`), ["top-level-function"]);
  assert.deepEqual(lint("core/a.ts", `export function f() { const g = () => 1; return g; }`), []);
});

Deno.test("max-two-arguments: then an options object, a signal or an optional one", () => {
  assert.deepEqual(lint("core/a.ts", `export function f(a: 1, b: 2, c: 3) {}`), [
    "max-two-arguments",
  ]);
  assert.deepEqual(lint("core/a.ts", `export function f(a: 1, b: 2, options: O, d: 4) {}`), [
    "max-two-arguments",
  ]);
  for (const third of ["{ c }: O", "options: O", "signal: AbortSignal", "c?: 3", "c = 3"]) {
    assert.deepEqual(lint("core/a.ts", `export function f(a: 1, b: 2, ${third}) {}`), []);
  }
  assert.deepEqual(lint("core/a.ts", `function inner(a: 1, b: 2, c: 3) {}`), []);
});

Deno.test("no-index-ts and naming: files are snake_case.ts, faces are mod.ts", () => {
  assert.deepEqual(lint("core/index.ts", `export {};`), ["no-index-ts"]);
  assert.deepEqual(lint("core/deviceToken.ts", `export {};`), ["naming"]);
  assert.deepEqual(lint("core/device-token.ts", `export {};`), ["naming"]);
  for (const file of ["core/device_token.ts", "core/_token.ts", "core/mod.ts", "core/v2.ts"]) {
    assert.deepEqual(lint(file, `export {};`), []);
  }
});

Deno.test("max-lines: a file has 300 lines at most, a test 400, and generated ones any number", () => {
  const long = "export {};\n".repeat(301);
  assert.deepEqual(lint("core/a.ts", long), ["max-lines"]);
  assert.deepEqual(lint("tests/core/a_test.ts", long), []);
  assert.deepEqual(lint("tests/core/a_test.ts", "export {};\n".repeat(401)), ["max-lines"]);
  assert.deepEqual(lint("clients/js/src/schema.ts", long), []);
});
