/** Set-ups whose store, clock, proxy or nodes are wrong on purpose. */

import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import type { Finding } from "../../doctor/finding.ts";
import { openStore } from "../../store/mod.ts";
import { startNginx } from "../support/nginx.ts";
import { isInstalled, NGINX, programTest, runProgram } from "../support/programs.ts";
import { redisTest, startRedis } from "../support/redis_server.ts";
import { startTestService } from "../support/start_service.ts";
import { codesOf, startSetUp } from "./_set_up.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
/** Mounts in a namespace of its own, which takes root. */
const UNSHARE = {
  name: "unshare",
  isThere: isInstalled("unshare", ["-m", "true"]),
};

function assertHas(
  findings: readonly Finding[],
  code: string,
  { says, advises }: {
    readonly says: RegExp;
    readonly advises: RegExp;
  },
): void {
  assert.deepEqual(
    codesOf(findings),
    [code],
    JSON.stringify(findings, null, 1),
  );
  const found = findings.find((each) => each.code === code)!;
  assert.match(found.what, says);
  assert.match(found.do, advises);
}

redisTest("a Redis that evicts is an error", async () => {
  await using setUp = await startSetUp();
  await using redis = await startRedis({
    appendonly: true,
    maxmemoryPolicy: "allkeys-lru",
  });
  const found = await setUp.examine({ storeAddress: redis.url });
  assertHas(found, "redis_evicts", {
    says: /allkeys-lru/,
    advises: /noeviction/,
  });
});

redisTest("a Redis that keeps nothing on disk is a warning", async () => {
  await using setUp = await startSetUp();
  await using redis = await startRedis();
  const found = await setUp.examine({ storeAddress: redis.url });
  assertHas(found, "redis_not_durable", {
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
  assertHas(found, "redis_is_replica", { says: /replica/, advises: /master/ });
});

redisTest("a missing admin key matters where nodes share a Redis", async () => {
  await using setUp = await startSetUp();
  await using redis = await startRedis({ appendonly: true });
  const found = await setUp.examine({ storeAddress: redis.url, variables: {} });
  assertHas(found, "admin_key_missing", {
    says: /admin key/,
    advises: /CARILLON_ADMIN_KEY/,
  });
});

Deno.test("a Redis that is not there is an error, and its password is not told", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({
    storeAddress: "redis://:hush@127.0.0.1:9",
  });
  assertHas(found, "redis_unreachable", {
    says: /127\.0\.0\.1:9/,
    advises: /Start Redis/,
  });
  assert.ok(!JSON.stringify(found).includes("hush"));
});

Deno.test("an address that names no store is an error", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({ storeAddress: "postgres://db" });
  assertHas(found, "store_address_faulty", {
    says: /no store/,
    advises: /CARILLON_STORE/,
  });
});

programTest(UNSHARE)("a read-only disk is an error", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // In a mount namespace of its own, as even root writes wherever there is a disk to write to.
    const { code, stdout, stderr } = await runProgram([
      ...["unshare", "-m", "sh", "-c"] as const,
      `mount -t tmpfs -o ro tmpfs "$0" && exec "$@"`,
      ...[
        folder,
        Deno.execPath(),
        "run",
        "-A",
        "--no-check",
        MAIN,
        "doctor",
        "--json",
      ],
    ], {
      env: {
        CARILLON_STORE: `kv:${folder}/carillon.kv`,
        CARILLON_URL: "http://127.0.0.1:9",
      },
    });
    assert.equal(code, 1, stderr);
    const [found]: readonly Finding[] = JSON.parse(stdout);
    assert.equal(found!.code, "data_folder_not_writable");
    assert.match(found!.what, /Read-only file system/);
    assert.match(found!.do, /Mount the disk for writing/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
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
    assertHas(found, "open_files_low", {
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
  assertHas(found, "node_stores_differ", {
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
  assertHas(found, "node_versions_differ", {
    says: /0\.9\.0/,
    advises: /deploy/,
  });
});

Deno.test("a node that is not there is an error", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({ nodes: ["http://127.0.0.1:9"] });
  assertHas(found, "node_unreachable", {
    says: /127\.0\.0\.1:9/,
    advises: /Start the node/,
  });
});

Deno.test("a service that does not answer is a warning, and the rest is examined", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({ address: "http://127.0.0.1:9" });
  assertHas(found, "service_unreachable", {
    says: /does not answer/,
    advises: /--url/,
  });
});

Deno.test("an origin that is not listed is an error", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({ origin: "https://mail.example.com" });
  assertHas(found, "origin_refused", {
    says: /mail\.example\.com/,
    advises: /allowedOrigins/,
  });
});

const PASSED = `proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection "upgrade";`;

programTest(NGINX)("a proxy that drops Upgrade is an error", async () => {
  await using setUp = await startSetUp();
  await using proxy = await startNginx((port) =>
    `server { listen 127.0.0.1:${port}; location / {
    proxy_pass ${setUp.providers.service.address};
    proxy_set_header Host $http_host;
  } }`
  );
  const found = await setUp.examine({ address: proxy.address });
  assertHas(found, "proxy_drops_upgrade", {
    says: /instead of 101/,
    advises: /HTTP\/1\.1/,
  });
});

programTest(NGINX)("a proxy that changes Host is an error", async () => {
  await using setUp = await startSetUp();
  await using proxy = await startNginx((port) =>
    `server { listen 127.0.0.1:${port}; location / {
    proxy_pass ${setUp.providers.service.address};
    ${PASSED}
  } }`
  );
  const found = await setUp.examine({ address: proxy.address });
  assertHas(found, "proxy_changes_host", {
    says: /origin/,
    advises: /\$http_host/,
  });
});

programTest(NGINX)(
  "a proxy that closes silent sockets before the ping is an error",
  async () => {
    await using setUp = await startSetUp({
      properties: { "io.carillon.websocket.pingInterval": 3_000 },
    });
    await using proxy = await startNginx((port) =>
      `server { listen 127.0.0.1:${port}; location / {
    proxy_pass ${setUp.providers.service.address};
    proxy_set_header Host $http_host;
    proxy_read_timeout 1s;
    ${PASSED}
  } }`
    );
    const found = await setUp.examine({ address: proxy.address, idle: true });
    assertHas(found, "proxy_closes_idle", {
      says: /after [12]\.\d s/,
      advises: /proxy_read_timeout/,
    });
  },
);

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
