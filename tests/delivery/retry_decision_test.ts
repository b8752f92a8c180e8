import assert from "node:assert/strict";
import fc from "fast-check";
import type { Outcome } from "../../core/outcome.ts";
import { backoffMs } from "../../delivery/retry_policy.ts";
import { type AttemptFacts, decideRetry } from "../../delivery/retry_decision.ts";

const POLICY = {
  baseMs: 1000,
  capMs: 60_000,
  maxAttempts: 5,
  maxAgeMs: 3_600_000,
  misconfiguredMs: 60_000,
};

function facts(fields: Partial<AttemptFacts> = {}): AttemptFacts {
  return { attempts: 1, now: 1_000_000, since: 1_000_000, policy: POLICY, random: 0.5, ...fields };
}

const FINAL: readonly [Outcome, object][] = [
  [{ kind: "sent", providerId: "p" }, { kind: "final", state: "sent", providerId: "p" }],
  [{ kind: "sent", newToken: "t" }, { kind: "final", state: "sent", newToken: "t" }],
  [{ kind: "offline" }, { kind: "final", state: "offline" }],
  [{ kind: "source" }, { kind: "final", state: "source" }],
  [{ kind: "gone", reason: "410" }, {
    kind: "final",
    state: "gone",
    reason: "410",
    removeToken: true,
  }],
  [
    { kind: "rejected", reason: "413" },
    { kind: "final", state: "rejected", reason: "413", deadLetter: true },
  ],
];

for (const [outcome, decision] of FINAL) {
  Deno.test(`decideRetry() ends ${JSON.stringify(outcome)} for good`, () => {
    assert.deepEqual(decideRetry(outcome, facts()), decision);
  });
}

Deno.test("decideRetry() retries after a wait within the backoff", () => {
  const decision = decideRetry({ kind: "retry", reason: "503" }, facts({ attempts: 3 }));
  assert.deepEqual(decision, { kind: "retry", atMs: 1_000_000 + 2000, reason: "503" });
});

Deno.test("decideRetry() never retries before the provider's floor", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 600_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (afterMs, random) => {
        const decision = decideRetry({ kind: "retry", reason: "429", afterMs }, facts({ random }));
        assert.ok(decision.kind === "retry" && decision.atMs >= 1_000_000 + afterMs);
      },
    ),
  );
});

Deno.test("decideRetry() gives up after the last attempt, with a dead letter", () => {
  const decision = decideRetry({ kind: "retry", reason: "503" }, facts({ attempts: 5 }));
  assert.deepEqual(decision, { kind: "final", state: "dead", reason: "503", deadLetter: true });
});

Deno.test("decideRetry() gives up a message that would be too old", () => {
  const decision = decideRetry(
    { kind: "retry", reason: "503" },
    facts({ since: 1_000_000 - 3_600_000 }),
  );
  assert.equal(decision.kind === "final" && decision.state, "dead");
});

Deno.test("decideRetry() lets a message expire where the next attempt would come after its end", () => {
  const decision = decideRetry({ kind: "retry", reason: "503" }, facts({ expiresAt: 1_000_400 }));
  assert.deepEqual(decision, { kind: "final", state: "expired", reason: "503" });
});

Deno.test("decideRetry() waits for an operator where the set-up is wrong, and removes no token", () => {
  const decision = decideRetry({ kind: "misconfigured", reason: "403" }, facts());
  assert.ok(decision.kind === "retry" && decision.atMs >= 1_000_000 + POLICY.misconfiguredMs);
});

Deno.test("backoffMs() doubles its ceiling up to the cap and uses all of the range below", () => {
  const policy = { baseMs: 100, capMs: 1000 };
  assert.deepEqual([1, 2, 3, 4, 5, 99].map((n) => backoffMs(n, { ...policy, random: 0.9999 })), [
    100,
    200,
    400,
    800,
    1000,
    1000,
  ]);
  assert.equal(backoffMs(3, { ...policy, random: 0 }), 0);
});
