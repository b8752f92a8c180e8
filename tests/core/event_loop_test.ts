import assert from "node:assert/strict";
import { systemClock } from "../../core/clock.ts";
import { createYieldToEventLoop } from "../../core/event_loop.ts";

const REQUESTS = 20;
/** By `setImmediate` alone it takes 2,000 and more; like this 300, or 600 on a busy machine. */
const MAX_TURNS = 1_400;

function workFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

Deno.test("requests are answered while work without end takes turns", async () => {
  await using server = Deno.serve({ port: 0, onListen() {} }, () => new Response("here"));
  const yieldToEventLoop = createYieldToEventLoop(systemClock);
  let answered = 0;
  let turns = 0;

  const working = (async () => {
    for (; answered < REQUESTS && turns < MAX_TURNS; turns++) {
      workFor(2);
      await yieldToEventLoop();
    }
  })();
  for (; answered < REQUESTS; answered++) {
    const response = await fetch(`http://localhost:${server.addr.port}/`);
    assert.equal(await response.text(), "here");
  }
  await working;
  assert.ok(turns < MAX_TURNS, `${turns} turns`);
});

Deno.test("a second yield does not poll the sockets again right away", async () => {
  let now = 0;
  const yieldToEventLoop = createYieldToEventLoop({ monotonic: () => now });
  const { digest } = crypto.subtle;
  let looks = 0;
  crypto.subtle.digest = (...given) => (looks++, digest.apply(crypto.subtle, given));
  try {
    await yieldToEventLoop();
    now = 4;
    await yieldToEventLoop();
    assert.equal(looks, 1);
    now = 5;
    await yieldToEventLoop();
    assert.equal(looks, 2);
  } finally {
    crypto.subtle.digest = digest;
  }
});
