/** Set-ups whose data file, disk or Redis is wrong on purpose. */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import type { Finding } from "../../doctor/finding.ts";
import { openStore } from "../../store/mod.ts";
import { isInstalled, programTest, runProgram } from "../support/programs.ts";
import { redisTest, startRedis } from "../support/redis_server.ts";
import { assertFinds, codesOf, startSetUp } from "./_set_up.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
/** Mounts in a namespace of its own, which takes root. */
const UNSHARE = {
  name: "unshare",
  isThere: isInstalled("unshare", ["-m", "true"]),
};

redisTest("a Redis that evicts is an error", async () => {
  await using setUp = await startSetUp();
  await using redis = await startRedis({
    appendonly: true,
    maxmemoryPolicy: "allkeys-lru",
  });
  const found = await setUp.examine({ storeAddress: redis.url });
  assertFinds(found, "redis_evicts", {
    says: /allkeys-lru/,
    advises: /noeviction/,
  });
});

redisTest("a Redis that keeps nothing on disk is a warning", async () => {
  await using setUp = await startSetUp();
  await using redis = await startRedis();
  const found = await setUp.examine({ storeAddress: redis.url });
  assertFinds(found, "redis_not_durable", {
    says: /nothing on disk/,
    advises: /appendonly yes/,
  });
});

redisTest("a Redis that is a replica is an error", async () => {
  await using setUp = await startSetUp();
  await using master = await startRedis({ appendonly: true });
  await using replica = await startRedis({
    appendonly: true,
    config: [`replicaof 127.0.0.1 ${master.port}`],
  });
  const found = await setUp.examine({ storeAddress: replica.url });
  assertFinds(found, "redis_is_replica", { says: /replica/, advises: /master/ });
});

redisTest("a missing admin key matters where nodes share a Redis", async () => {
  await using setUp = await startSetUp();
  await using redis = await startRedis({ appendonly: true });
  const found = await setUp.examine({ storeAddress: redis.url, variables: {} });
  assertFinds(found, "admin_key_missing", {
    says: /admin key/,
    advises: /CARILLON_ADMIN_KEY/,
  });
});

Deno.test("a Redis that is not there is an error, and its password is not told", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({
    storeAddress: "redis://:hush@127.0.0.1:9",
  });
  assertFinds(found, "redis_unreachable", {
    says: /127\.0\.0\.1:9/,
    advises: /Start Redis/,
  });
  assert.ok(!JSON.stringify(found).includes("hush"));
});

Deno.test("an address that names no store is an error", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({ storeAddress: "postgres://db" });
  assertFinds(found, "store_address_faulty", {
    says: /no store/,
    advises: /CARILLON_STORE/,
  });
});

/** What the command finds with a disk of its own for the data file. */
async function onDisk(options: string): Promise<{ code: number; found: readonly Finding[] }> {
  const folder = await Deno.makeTempDir();
  try {
    // In a mount namespace of its own, as even root writes wherever there is a disk to write to.
    const { code, stdout, stderr } = await runProgram([
      ...["unshare", "-m", "sh", "-c"] as const,
      `mount -t tmpfs -o ${options} tmpfs "$0" && exec "$@"`,
      ...[folder, Deno.execPath(), "run", "-A", "--no-check", MAIN, "doctor", "--json"],
    ], {
      env: { CARILLON_STORE: `kv:${folder}/carillon.kv`, CARILLON_URL: "http://127.0.0.1:9" },
    });
    assert.ok(stdout !== "", stderr);
    const found: readonly Finding[] = JSON.parse(stdout);
    return { code, found: found.filter(({ code }) => code !== "service_unreachable") };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

programTest(UNSHARE)("a read-only disk is an error", async () => {
  const { code, found } = await onDisk("ro");
  assert.equal(code, 1);
  assertFinds(found.slice(0, 1), "data_folder_not_writable", {
    says: /Read-only file system/,
    advises: /Mount the disk for writing/,
  });
});

programTest(UNSHARE)("a disk that is nearly full is a warning", async () => {
  const { code, found } = await onDisk("size=64m");
  assert.equal(code, 6);
  assertFinds(found, "disk_nearly_full", { says: /6\d MiB left/, advises: /Make room/ });
});

Deno.test("a data file with flipped bytes is an error with the way out", async () => {
  await using setUp = await startSetUp();
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/carillon.kv`;
    await using store = await openStore(`kv:${path}`, {
      clock: systemClock,
      random: () => 0.5,
    });
    await store.commit({ sets: [{ key: ["a"], value: "x".repeat(5000) }] });
    await store[Symbol.asyncDispose]();
    const file = await Deno.open(path, { write: true });
    await file.seek(100, Deno.SeekMode.Start);
    await file.write(new Uint8Array(16).fill(0xff));
    file.close();
    const found = await setUp.examine({ storeAddress: `kv:${path}` });
    assert.deepEqual([...new Set(codesOf(found))], ["data_file_damaged"]);
    assert.match(found[0]!.do, /restore the last backup/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a write-ahead log that was cut is a warning", async () => {
  await using setUp = await startSetUp();
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/carillon.kv`;
    const kv = await Deno.openKv(path);
    for (let n = 0; n < 20; n++) await kv.set(["record", n], "x".repeat(900));
    // As a plain copy of a file in use leaves it.
    const wal = await Deno.readFile(`${path}-wal`);
    kv.close();
    await Deno.writeFile(`${path}-wal`, wal.subarray(0, wal.length - 1000));
    const found = await setUp.examine({ storeAddress: `kv:${path}` });
    assertFinds(found, "data_file_cut", { says: /cut within frame/, advises: /deno task backup/ });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a Redis that is too old is an error", async () => {
  await using setUp = await startSetUp();
  await using redis = await startRedis5();
  const found = await setUp.examine({ storeAddress: redis.url });
  assertFinds(found, "redis_too_old", { says: /Redis 5\.0\.14/, advises: /Upgrade to Redis 6\.2/ });
});

/** As much of a Redis 5 as the doctor asks: no such version can be installed here. */
function startRedis5() {
  const info = "redis_version:5.0.14\r\nrole:master\r\naof_enabled:1\r\n" +
    "maxmemory_policy:noeviction\r\n";
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections = new Set<Deno.Conn>();
  async function answer(connection: Deno.Conn): Promise<void> {
    const decoder = new TextDecoder();
    const encoder = new TextEncoder();
    const now = Math.floor(Date.now() / 1000);
    const buffer = new Uint8Array(16 * 1024);
    for (;;) {
      const count = await connection.read(buffer).catch(() => null);
      if (count === null) return;
      // One array of bulk strings for each command.
      const commands = decoder.decode(buffer.subarray(0, count)).split(/^\*\d+\r\n/m).slice(1);
      for (const command of commands) {
        const [name] = command.split("\r\n").filter((part) => !/^\$\d+$/.test(part));
        const reply = {
          INFO: `$${info.length}\r\n${info}\r\n`,
          TIME: `*2\r\n$10\r\n${now}\r\n$1\r\n0\r\n`,
          CONFIG: "*2\r\n$4\r\nsave\r\n$0\r\n\r\n",
          CLIENT: "+OK\r\n",
          PING: "+PONG\r\n",
        }[name?.toUpperCase() ?? ""] ?? "-ERR unknown command\r\n";
        await connection.write(encoder.encode(reply)).catch(() => {});
      }
    }
  }
  async function accept(): Promise<void> {
    for await (const connection of listener) {
      connections.add(connection);
      void answer(connection);
    }
  }
  const accepting = accept();
  return {
    url: `redis://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of connections) {
        try {
          connection.close();
        } catch {
          // The other side has closed it.
        }
      }
      await accepting;
    },
  };
}
