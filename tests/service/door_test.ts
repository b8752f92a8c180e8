/** How the service's port is closed. */

import assert from "node:assert/strict";
import { silentLog } from "../../core/log.ts";
import { takeDoor } from "../../service/door.ts";

Deno.test({
  name: "a request that never ends does not keep the port from being given up",
  // The server ends with the connection, a moment after the test.
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    const door = takeDoor({ host: "127.0.0.1", port: 0, log: silentLog });
    const arrived = Promise.withResolvers<void>();
    door.open(async (request) => {
      arrived.resolve();
      return new Response(await request.text());
    });
    using peer = await Deno.connect({ hostname: "127.0.0.1", port: door.address.port });
    const half = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc";
    await peer.write(new TextEncoder().encode(half));
    await arrived.promise;
    const given = Promise.all([door[Symbol.asyncDispose](), door[Symbol.asyncDispose]()]);
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), 15_000);
    assert.notEqual(await Promise.race([given, late.promise]), "late");
    clearTimeout(timer);
  },
});
