/** Answers, logs and counts for requests with an unknown session id. */

import assert from "node:assert/strict";
import { type Log, silentLog } from "../../core/log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { openPolling, type RealtimeOverrides, serveRealtime } from "./_servers.ts";

const POLL = "/socket.io/appsuite/?EIO=4&transport=polling";
const UNKNOWN = { code: 1, message: "Session ID unknown" };

function serveCounted(overrides: RealtimeOverrides) {
  const lines: {
    readonly level: string;
    readonly message: string;
    readonly fields: unknown;
  }[] = [];
  const log: Log = {
    ...silentLog,
    info: (message, fields) => void lines.push({ level: "info", message, fields }),
    warn: (message, fields) => void lines.push({ level: "warn", message, fields }),
  };
  const counted = { requests: 0 };
  const hooks = { onUnknownSession: () => void counted.requests++ };
  return { served: serveRealtime({}, { log, hooks, ...overrides }), lines, counted };
}

Deno.test("an unknown session is answered as Engine.IO does, with a hint where other nodes exist", async () => {
  const a = serveRealtime({}, { hasOtherNodes: true });
  await using _a = a;
  const { served: b, lines, counted } = serveCounted({ hasOtherNodes: true });
  await using _b = b;
  const sid = await openPolling(a, `${POLL}&session=7@1`);
  const answer = await b.http(`${POLL}&sid=${sid}`);
  assert.equal(answer.status, 400);
  assert.deepEqual(await answer.json(), UNKNOWN);
  assert.match(answer.headers.get("x-carillon-hint")!, /another node.*docs\/deploy\.md/);
  assert.equal(counted.requests, 1);
  assert.deepEqual(lines.map(({ level }) => level), ["warn"]);
  assert.match(lines[0]!.message, /^unknown session ids: .* several nodes/);
});

Deno.test("a single node gives no hint and does not warn", async () => {
  const { served, lines, counted } = serveCounted({});
  await using _ = served;
  const answer = await served.http(`${POLL}&sid=none`);
  assert.deepEqual(await answer.json(), UNKNOWN);
  assert.equal(answer.headers.get("x-carillon-hint"), null);
  assert.equal(counted.requests, 1);
  assert.deepEqual(lines.map(({ level }) => level), ["info"]);
});

Deno.test("unknown sessions are logged once a minute with their number", async () => {
  const clock = new FakeClock();
  const { served, lines, counted } = serveCounted({ hasOtherNodes: true, clock });
  await using _ = served;
  async function ask(times: number) {
    for (let n = 0; n < times; n++) {
      await (await served.http(`${POLL}&sid=none`)).body?.cancel();
    }
  }
  await ask(5);
  await clock.advance(59_000);
  await ask(1);
  assert.equal(lines.length, 1);
  await clock.advance(1_000);
  await ask(1);
  const requests = lines.map(({ fields }) => (fields as { requests: number }).requests);
  assert.deepEqual(requests, [1, 6]);
  assert.equal(counted.requests, 7);
});
