import assert from "node:assert/strict";
import type { Notification } from "../../core/notification.ts";
import type { QuietAction } from "../../core/quiet_hours.ts";
import type { Target } from "../../core/subscription.ts";
import { firstAttempt } from "../../delivery/first_attempt.ts";

const EIGHT = Date.UTC(2026, 0, 1, 20);
const SEVEN = Date.UTC(2026, 0, 2, 7);
const MINUTE = 60_000;
const TARGET: Target = {
  ...{ context: "1", user: "3", client: "app", transport: "apn", token: "t", refreshedAt: 0 },
  subscriptionId: "s",
};

/** The first attempt of a notification published at a time, with quiet hours from 20:00 to 07:00. */
function attemptAt(
  at: number,
  { action, escalatesAt, expiresAt }: {
    readonly action: QuietAction;
    readonly escalatesAt?: number;
    readonly expiresAt?: number;
  },
) {
  const notification: Notification = {
    ...{ id: "", context: "1", user: "3", topic: "a", data: "{}", priority: "high" },
    ...{ acceptedAt: at, ...expiresAt !== undefined && { expiresAt } },
  };
  const rules = { times: ["20:00-07:00"], action, breakThrough: false, timeZone: "UTC" };
  const permissions = { enabled: () => true, quietRules: () => rules };
  const step = { target: TARGET, send: true } as const;
  const found = firstAttempt(step, notification, { permissions, at, escalatesAt });
  const { step: { send }, quiet, held } = found;
  return { send, state: found.step.state, quiet, held };
}

Deno.test("quiet hours name the time at which a held message is sent", () => {
  assert.deepEqual(attemptAt(EIGHT, { action: "hold" }), {
    ...{ send: true, state: undefined, quiet: { action: "hold", until: SEVEN } },
    held: { reason: "quiet hours", until: SEVEN },
  });
});

Deno.test("an escalation names its time, and what quiet hours that began meanwhile do then", () => {
  const at = EIGHT - MINUTE;
  const escalatesAt = EIGHT + MINUTE;
  const held = { reason: "escalation", until: escalatesAt };
  const of = (action: QuietAction) => attemptAt(at, { action, escalatesAt });
  for (const action of ["hold", "silent"] as const) {
    assert.deepEqual(of(action), {
      ...{ send: true, state: undefined, held, quiet: { action, until: SEVEN } },
    });
  }
  assert.deepEqual(of("drop"), {
    ...{ send: false, state: "quiet", held, quiet: { action: "drop", until: SEVEN } },
  });
});

Deno.test("quiet hours that hold or drop at once leave nothing to escalate", () => {
  const escalatesAt = EIGHT + MINUTE;
  assert.equal(attemptAt(EIGHT, { action: "hold", escalatesAt }).held?.reason, "quiet hours");
  assert.equal(attemptAt(EIGHT, { action: "drop", escalatesAt }).held, undefined);
});

Deno.test("quiet hours that end during an escalation do not matter", () => {
  const escalatesAt = SEVEN + MINUTE;
  assert.deepEqual(attemptAt(SEVEN - MINUTE, { action: "silent", escalatesAt }), {
    ...{ send: true, state: undefined, quiet: undefined },
    held: { reason: "escalation", until: escalatesAt },
  });
});

Deno.test("a ttl that ends before the first attempt is named", () => {
  const at = EIGHT - MINUTE;
  const escalatesAt = at + MINUTE;
  const cases = [
    attemptAt(at, { action: "hold", expiresAt: at }),
    attemptAt(EIGHT, { action: "hold", expiresAt: SEVEN }),
    attemptAt(at, { action: "silent", escalatesAt, expiresAt: escalatesAt }),
  ];
  for (const { send, state } of cases) assert.deepEqual([send, state], [false, "expired"]);
});
