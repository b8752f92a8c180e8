import { equal, rejects } from "node:assert/strict";
import { freePort } from "./free_port.ts";
import { redisTest, startRedis } from "./redis_server.ts";

redisTest("a Redis that ends at once says why, and is not waited for", async () => {
  await rejects(
    startRedis({ config: ["no-such-setting on"] }),
    /ended at once:[^]*no-such-setting/,
  );
});

redisTest("a Redis whose port is taken is started at another", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: freePort() });
  try {
    let starts = 0;
    await using server = await startRedis({
      // The last line of a configuration wins; only the first try has it.
      get config() {
        return starts++ === 0 ? [`port ${taken.addr.port}`] : [];
      },
    });
    equal(await server.cli("ping"), "PONG");
    equal(starts, 2);
  } finally {
    taken.close();
  }
});

Deno.test("no port is given to two servers", () => {
  const ports = Array.from({ length: 2_000 }, freePort);
  equal(new Set(ports).size, ports.length);
});
