import assert from "node:assert/strict";
import type { Outcome } from "../../core/outcome.ts";
import { type Breaker, breakerAfter, CLOSED, enterBreaker } from "../../delivery/breaker.ts";

const settings = { threshold: 3, openMs: 1000, maxOpenMs: 4000 };
const failure: Outcome = { kind: "retry", reason: "timeout" };
const sent: Outcome = { kind: "sent" };

function fail(breaker: Breaker, times: number, now = 0): Breaker {
  for (let i = 0; i < times; i++) breaker = breakerAfter(breaker, failure, { now, settings });
  return breaker;
}

/** Admits the probe of an open breaker and ends it with an outcome. */
function probe(breaker: Breaker, outcome: Outcome, now: number): Breaker {
  const { pass, next } = enterBreaker(breaker, now);
  assert.ok(pass);
  return breakerAfter(next, outcome, { now, settings });
}

Deno.test("a breaker opens after so many failures in a row, and not before", () => {
  assert.equal(fail(CLOSED, 2).state, "closed");
  assert.equal(fail(CLOSED, 3).state, "open");
  const recovered = breakerAfter(fail(CLOSED, 2), sent, { now: 0, settings });
  assert.equal(fail(recovered, 2).state, "closed");
});

Deno.test("an open breaker admits nothing until its time, and then one probe", () => {
  const open = fail(CLOSED, 3);
  assert.equal(enterBreaker(open, 999).pass, false);
  const { pass, next } = enterBreaker(open, 1000);
  assert.equal(pass, true);
  assert.equal(enterBreaker(next, 1000).pass, false, "a second one while the probe is under way");
});

Deno.test("a successful probe closes a breaker", () => {
  assert.deepEqual(probe(fail(CLOSED, 3), sent, 1000), CLOSED);
});

Deno.test("each probe that fails doubles the wait, up to the longest", () => {
  let breaker = fail(CLOSED, 3);
  let now = 0;
  const waits = [];
  for (let i = 0; i < 4; i++) {
    assert.ok(breaker.state === "open");
    waits.push(breaker.until - now);
    now = breaker.until;
    breaker = probe(breaker, failure, now);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 4000]);
});

Deno.test("a wait for the whole client opens a breaker at once, for that long", () => {
  const asked: Outcome = { kind: "retry", reason: "429", afterMs: 90_000, scope: "client" };
  const breaker = breakerAfter(CLOSED, asked, { now: 0, settings });
  assert.ok(breaker.state === "open" && breaker.until === 90_000);
});

Deno.test("a wrong set-up opens a breaker at once", () => {
  const wrong: Outcome = { kind: "misconfigured", reason: "403" };
  assert.equal(breakerAfter(CLOSED, wrong, { now: 0, settings }).state, "open");
});

Deno.test("a throttled address leaves the breaker closed", () => {
  const held: Outcome = { kind: "retry", reason: "429", afterMs: 60_000, scope: "address" };
  let breaker: Breaker = CLOSED;
  for (let i = 0; i < 10; i++) breaker = breakerAfter(breaker, held, { now: 0, settings });
  assert.deepEqual(breaker, CLOSED);
});

Deno.test("a dead token or a refused message counts as an answer and closes the breaker", () => {
  for (const kind of ["gone", "rejected"] as const) {
    assert.deepEqual(
      breakerAfter(fail(CLOSED, 2), { kind, reason: "" }, { now: 0, settings }),
      CLOSED,
    );
  }
});

Deno.test("outcomes of attempts from before the breaker opened do not lengthen the wait", () => {
  const open = fail(CLOSED, 3);
  assert.deepEqual(fail(open, 5, 500), open);
});
