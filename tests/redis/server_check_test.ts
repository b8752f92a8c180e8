import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { openLink } from "../../redis/link/open.ts";
import {
  checkServers,
  findingsOf,
  parseInfo,
  type ServerFinding,
} from "../../redis/link/server_check.ts";
import { redisTest, startRedis } from "../support/redis_server.ts";

const GOOD = {
  redis_version: "7.0.15",
  role: "master",
  maxmemory: "1000000",
  maxmemory_policy: "noeviction",
  aof_enabled: "1",
};

Deno.test("a server that is as it should be has no findings", () => {
  assert.deepEqual(findings({}), []);
  assert.deepEqual(findings({ redis_version: "6.2.0" }), []);
});

Deno.test("a server that is too old is fatal, and Valkey of any version is not", () => {
  for (const redis_version of ["6.0.16", "5.0.7", ""]) {
    const [finding] = findings({ redis_version });
    assert.equal(finding?.severity, "fatal");
    assert.match(finding.message, /at h:1 is too old: at least 6\.2/);
  }
  assert.deepEqual(findings({ redis_version: "0.0.1", valkey_version: "8.0.1" }), []);
  assert.deepEqual(findings({ redis_version: "10.0.0" }), []);
});

Deno.test("a server that evicts is warned of, and more plainly where its memory is limited", () => {
  const [limited] = findings({ maxmemory_policy: "allkeys-lru" });
  assert.equal(limited?.severity, "warning");
  assert.match(limited.message, /throws away.*noeviction, it is allkeys-lru/);
  const [unlimited] = findings({ maxmemory_policy: "volatile-ttl", maxmemory: "0" });
  assert.equal(unlimited?.severity, "warning");
});

Deno.test("a replica is fatal: it takes no writes", () => {
  assert.equal(findings({ role: "slave" })[0]?.severity, "fatal");
});

Deno.test("a server that keeps nothing on disk, or only now and then, is worth a warning", () => {
  const nothing = findings({ aof_enabled: "0" }, "");
  assert.deepEqual(nothing.map(({ severity }) => severity), ["warning"]);
  assert.match(nothing[0]!.message, /keeps nothing on disk/);
  assert.match(findings({ aof_enabled: "0" }, "3600 1")[0]!.message, /from time to time/);
});

Deno.test("a server that does not report its persistence gets no finding about it", () => {
  assert.deepEqual(findings({ aof_enabled: "0" }), []);
});

redisTest("a real server that keeps nothing and evicts is found out", async () => {
  await using server = await startRedis({
    maxmemoryPolicy: "allkeys-lru",
    config: ["maxmemory 100mb"],
  });
  await using link = await openLink(server.url, { clock: systemClock, random: Math.random });
  const found = await checkServers(link);
  assert.deepEqual(found.map(({ severity }) => severity), ["warning", "warning"]);
  assert.match(found[0]!.message, new RegExp(`127\\.0\\.0\\.1:${server.port}`));
});

redisTest("a real server that forbids or lacks CONFIG is checked for the rest", async () => {
  const noRights = await startRedis({ config: ["user default on nopass ~* +@all -config"] });
  const noCommand = await startRedis({ config: ['rename-command CONFIG ""'] });
  for (const one of [noRights, noCommand]) {
    await using server = one;
    await using link = await openLink(server.url, { clock: systemClock, random: Math.random });
    assert.deepEqual(await checkServers(link), []);
  }
});

function findings(
  info: Readonly<Record<string, string>>,
  save?: string,
): readonly ServerFinding[] {
  const lines = Object.entries({ ...GOOD, ...info }).map(([name, value]) => `${name}:${value}\r\n`);
  return findingsOf({ server: "h:1", info: parseInfo(`# Server\r\n${lines.join("")}`), save });
}
