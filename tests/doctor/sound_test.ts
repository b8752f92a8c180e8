/** A doctor that always finds something is asked by nobody twice. */

import assert from "node:assert/strict";
import { startRedis } from "../support/redis_server.ts";
import { redisTest } from "../support/redis_server.ts";
import { startNginx } from "../support/nginx.ts";
import { NGINX, programTest } from "../support/programs.ts";
import { startSetUp } from "./_set_up.ts";

Deno.test("the doctor is silent on a sound set-up, with every provider asked", async () => {
  await using setUp = await startSetUp();
  assert.deepEqual(await setUp.examine({ dryRun: true }), []);
});

Deno.test("a dry run names addresses that no device has", async () => {
  await using setUp = await startSetUp();
  await setUp.examine({ dryRun: true });
  const { received } = setUp.providers.simulator;
  const tokens = new Set(received.list({}).map(({ token }) => token));
  // The last one is of a channel that WNS does not know.
  assert.deepEqual(
    tokens,
    new Set(["00".repeat(32), "carillon-doctor-dry-run", ""]),
  );
});

redisTest("the doctor is silent on a sound Redis", async () => {
  await using setUp = await startSetUp();
  await using redis = await startRedis({ appendonly: true });
  assert.deepEqual(await setUp.examine({ storeAddress: redis.url }), []);
});

programTest(NGINX)(
  "the doctor is silent on a proxy that is set up as the docs say",
  async () => {
    const short = { "io.carillon.websocket.pingInterval": 700 };
    await using setUp = await startSetUp({ properties: short });
    await using proxy = await startNginx((port) => `
    map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
    server {
      listen 127.0.0.1:${port};
      location / {
        proxy_pass ${setUp.providers.service.address};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_buffering off;
      }
    }`);
    assert.deepEqual(
      await setUp.examine({ address: proxy.address, idle: true }),
      [],
    );
  },
);
