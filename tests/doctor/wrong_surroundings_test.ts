/** Set-ups whose clock, limits or nodes are wrong on purpose. */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import type { Finding } from "../../doctor/finding.ts";
import { runProgram } from "../support/programs.ts";
import { startTestService } from "../support/start_service.ts";
import { assertFinds, codesOf, startSetUp } from "./_set_up.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

Deno.test("a clock that is two minutes off is an error", async () => {
  await using setUp = await startSetUp();
  const clock = { ...systemClock, now: () => Date.now() - 120_000 };
  const found = await setUp.examine({ clock });
  assert.deepEqual([...new Set(codesOf(found))], ["clock_skew"]);
  assert.match(found[0]!.what, /1(?:19|20|21) s behind that of the service/);
  assert.match(found[0]!.do, /timesyncd/);
});

Deno.test("a limit of 1024 open files is a warning", async () => {
  await using setUp = await startSetUp();
  const child = new Deno.Command("sh", {
    args: ["-c", "ulimit -S -n 1024; exec sleep 600"],
    ...{ stdin: "null", stdout: "null", stderr: "null" },
  }).spawn();
  try {
    const found = await setUp.examine({ pid: String(child.pid) });
    assertFinds(found, "open_files_low", {
      says: /1024/,
      advises: /LimitNOFILE/,
    });
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});

Deno.test("two nodes on different stores are told apart", async () => {
  await using setUp = await startSetUp();
  await using other = await startTestService();
  const { address } = setUp.providers.service;
  const found = await setUp.examine({ nodes: [address, other.address] });
  assertFinds(found, "node_stores_differ", {
    says: /different stores/,
    advises: /CARILLON_STORE/,
  });
});

Deno.test("two nodes of different versions are a warning", async () => {
  await using setUp = await startSetUp();
  const { address } = setUp.providers.service;
  const mine = await (await setUp.providers.service.call("GET", "/v1/admin/node")).body;
  await using older = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
  }, (request) =>
    Response.json(
      request.url.endsWith("/readyz")
        ? { ready: true, checks: {} }
        : { ...mine, version: "0.9.0", now: Date.now() },
    ));
  const nodes = [address, `http://127.0.0.1:${older.addr.port}`];
  const found = await setUp.examine({ nodes });
  assertFinds(found, "node_versions_differ", {
    says: /0\.9\.0/,
    advises: /deploy/,
  });
});

Deno.test("a node that is not there is an error", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({ nodes: ["http://127.0.0.1:9"] });
  assertFinds(found, "node_unreachable", {
    says: /127\.0\.0\.1:9/,
    advises: /Start the node/,
  });
});

Deno.test("a node that takes no traffic is an error, with the check that fails", async () => {
  await using setUp = await startSetUp();
  await using node = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    const checks = { store: { ok: false, detail: "the disk is full" }, buffer: { ok: true } };
    return Response.json({ ready: false, checks }, { status: 503 });
  });
  const found = await setUp.examine({
    nodes: [`http://127.0.0.1:${node.addr.port}`],
    key: undefined,
  });
  assertFinds(found, "node_not_ready", { says: /store: "the disk is full"$/, advises: /log/ });
});

Deno.test("a service that does not answer is a warning, and the rest is examined", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({ address: "http://127.0.0.1:9" });
  assertFinds(found, "service_unreachable", {
    says: /does not answer/,
    advises: /--url/,
  });
});

Deno.test("the command says the same, with a code for scripts and in JSON", async () => {
  await using setUp = await startSetUp();
  const { service } = setUp.providers;
  const { code, stdout } = await runProgram(
    [Deno.execPath(), "run", "-A", "--no-check", MAIN, "doctor", "--json"],
    {
      env: {
        CARILLON_URL: service.address,
        CARILLON_KEY: service.adminKey,
        CARILLON_CONFIG_DIR: service.configDir,
        CARILLON_STORE: "postgres://db",
        CARILLON_SESSION_SECRET: "short",
      },
    },
  );
  assert.equal(code, 1, stdout);
  const found: readonly Finding[] = JSON.parse(stdout);
  assert.deepEqual(
    new Set(codesOf(found)),
    new Set(["session_secret_short", "store_address_faulty"]),
  );
});
