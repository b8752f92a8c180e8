import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { systemClock } from "../../core/clock.ts";
import { createYieldToEventLoop } from "../../core/event_loop.ts";

const REQUESTS = 20;
/** Turns that the requests take: 300 or 600, and 2,000 or more where sockets are not polled. */
const MAX_TURNS = 1_400;
const BYTES = new Uint8Array(1_000_000);

function workFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/**
 * Returns the turns that works take in all until requests are answered. Beside them the runtime has
 * something to do that does not yield, as the data file gives it.
 */
async function turnsOf(works: number): Promise<number> {
  await using server = Deno.serve({ port: 0, onListen() {} }, () => new Response("here"));
  const yieldToEventLoop = createYieldToEventLoop(systemClock);
  let answered = 0;
  let turns = 0;
  const isOver = () => answered >= REQUESTS || turns >= MAX_TURNS;

  async function work() {
    for (; !isOver(); turns++) {
      workFor(2);
      await yieldToEventLoop();
    }
  }

  async function workWithoutYielding() {
    while (!isOver()) {
      workFor(1);
      await crypto.subtle.digest("SHA-1", BYTES);
    }
  }

  const working = [workWithoutYielding(), ...Array.from({ length: works }, work)];
  for (; answered < REQUESTS; answered++) {
    const response = await fetch(`http://localhost:${server.addr.port}/`);
    assert.equal(await response.text(), "here");
  }
  await Promise.all(working);
  return turns;
}

for (const works of [1, 4]) {
  Deno.test(`requests are answered while work without end takes turns, ${works} at once`, async () => {
    const turns = await turnsOf(works);
    assert.ok(turns < MAX_TURNS, `${turns} turns`);
  });
}

Deno.test("a second yield does not poll the sockets again right away", async () => {
  let now = 0;
  const yieldToEventLoop = createYieldToEventLoop({ monotonic: () => now });

  /** Returns how often the event loop turns during a yield. */
  async function turnsDuring(): Promise<number> {
    let turns = 0;
    let isOver = false;
    const turn = () => isOver || (turns++, setImmediate(turn));
    setImmediate(turn);
    await yieldToEventLoop();
    isOver = true;
    return turns;
  }

  assert.ok(await turnsDuring() < 5, "the loop was idle before");
  now = 4;
  assert.ok(await turnsDuring() < 5);
  now = 5;
  assert.ok(await turnsDuring() > 60);
  now = 56;
  assert.ok(await turnsDuring() < 5, "the loop was idle since");
});
