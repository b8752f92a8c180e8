import assert from "node:assert/strict";
import { silentLog } from "../../core/log.ts";
import { Backlog } from "../../realtime/_backlog.ts";
import { HandshakeGuard } from "../../realtime/_handshake_guard.ts";
import { SocketConnections } from "../../realtime/_socket_connections.ts";
import { REALTIME_DEFAULTS } from "../../realtime/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { admit } from "./_servers.ts";

const URL = "http://localhost/socket.io/appsuite/?EIO=4&session=7@1";
const INFO = {
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
};

/** Returns a function that says whether a handshake passes a guard with this rate. */
function guardedHandshake(handshakesPerSecond: number, clock: FakeClock) {
  const guard = new HandshakeGuard({
    settings: { ...REALTIME_DEFAULTS, handshakesPerSecond },
    authenticate: ({ credential }) => Promise.resolve(admit(credential)),
    clock,
    log: silentLog,
    connections: new SocketConnections(),
    backlog: new Backlog({ maxBacklogBytes: 1, maxTotalBacklogBytes: 1 }),
  });
  return async () => {
    const { refusal } = await guard.checkHandshake(
      new Request(URL),
      INFO as never,
    );
    if (refusal) assert.equal(refusal.code, "too_many_requests");
    return refusal === undefined;
  };
}

Deno.test("a burst of one second's handshakes passes, and no more", async () => {
  const passes = guardedHandshake(10, new FakeClock());
  async function count() {
    let passed = 0;
    for (let n = 0; n < 30; n++) if (await passes()) passed++;
    return passed;
  }
  assert.equal(await count(), 10);
  assert.equal(await count(), 0);
});

Deno.test("the rate refills by monotonic time when the wall clock jumps", async () => {
  const clock = new FakeClock();
  const passes = guardedHandshake(10, clock);
  while (await passes());
  clock.jump(3_600_000);
  assert.ok(!await passes());
  await clock.advance(100);
  assert.ok(await passes());
  assert.ok(!await passes());
});

Deno.test("a rate below one per second lets one handshake pass now and then", async () => {
  const clock = new FakeClock();
  const passes = guardedHandshake(.5, clock);
  await clock.advance(2000);
  assert.deepEqual([await passes(), await passes()], [true, false]);
});
