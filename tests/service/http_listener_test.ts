/** How the service's port is closed. */

import assert from "node:assert/strict";
import { silentLog } from "../../core/log.ts";
import { listen } from "../../service/http_listener.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test({
  name: "a request that never ends keeps the port from being given up for two seconds at most",
  // The server ends with the connection, a moment after the test.
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    const clock = new FakeClock();
    const listener = listen({ host: "127.0.0.1", port: 0, log: silentLog, clock });
    const arrived = Promise.withResolvers<void>();
    listener.open(async (request) => {
      arrived.resolve();
      return new Response(await request.text());
    });
    using peer = await Deno.connect({
      hostname: "127.0.0.1",
      port: listener.address.port,
    });
    const half = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc";
    await peer.write(new TextEncoder().encode(half));
    await arrived.promise;
    const given = Promise.all([
      listener[Symbol.asyncDispose](),
      listener[Symbol.asyncDispose](),
    ]);
    let isGiven = false;
    void given.then(() => isGiven = true);
    await clock.advance(1_999);
    assert.ok(!isGiven);
    await clock.advance(1);
    assert.ok(isGiven);
  },
});
