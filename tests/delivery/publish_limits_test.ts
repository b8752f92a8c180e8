import assert from "node:assert/strict";
import { createLocalLimiter } from "../../core/token_bucket.ts";
import { ServiceError } from "../../core/errors.ts";
import { createPublishLimits, type LimitKind } from "../../delivery/publish_limits.ts";
import { FakeClock } from "../support/fake_clock.ts";

function limits(perKey: number, perContext: number) {
  const clock = new FakeClock();
  const limited: LimitKind[] = [];
  const admit = createPublishLimits({
    limiter: createLocalLimiter({ clock }),
    perKey: () => perKey,
    perContext: (context) => context === "gold" ? 100 * perContext : perContext,
    onLimited: (limit) => limited.push(limit),
  });
  return {
    clock,
    limited,
    admit: (contexts: readonly string[], id = "key:a") =>
      admit({ id }, contexts.map((context) => ({ context }))),
  };
}

/** This many drafts of one context. */
function of(context: string, count: number): readonly string[] {
  return Array<string>(count).fill(context);
}

async function refusal(done: Promise<void> | void): Promise<ServiceError> {
  const thrown = await Promise.resolve(done).then(() => undefined, (error) => error);
  assert.ok(thrown instanceof ServiceError);
  assert.equal(thrown.code, "too_many_requests");
  return thrown;
}

Deno.test("without limits everything passes", async () => {
  const { admit } = limits(0, 0);
  for (let n = 0; n < 100; n++) await admit(of("1", 1000));
});

Deno.test("a credential gets so many a second, over all contexts", async () => {
  const { admit, clock, limited } = limits(10, 0);
  await admit([...of("1", 5), ...of("2", 5)]);
  const { message, retryAfterSeconds } = await refusal(admit(["3"]));
  assert.equal(message, "Cannot publish: more than 10 notifications a second with this credential");
  assert.equal(retryAfterSeconds, 1);
  assert.deepEqual(limited, ["key"]);
  await clock.advance(100);
  await admit(["3"]);
});

Deno.test("credentials do not count for each other", async () => {
  const { admit } = limits(10, 0);
  await admit(of("1", 10), "key:a");
  await admit(of("1", 10), "key:b");
});

Deno.test("a context gets so many a second, from all credentials", async () => {
  const { admit, limited } = limits(0, 10);
  await admit(of("1", 6), "key:a");
  await admit(of("1", 4), "key:b");
  const { message } = await refusal(admit(["1"], "key:c"));
  assert.equal(message, "Cannot publish: more than 10 notifications a second in context 1");
  assert.deepEqual(limited, ["context"]);
  await admit(of("2", 10), "key:c");
});

Deno.test("each context has the limit that is set for it", async () => {
  const { admit } = limits(0, 10);
  await admit([...of("gold", 1000), ...of("1", 10)]);
  const { message } = await refusal(admit(["gold"]));
  assert.equal(message, "Cannot publish: more than 1000 notifications a second in context gold");
  await refusal(admit(["1"]));
});

Deno.test("a batch that one context refuses takes nothing from the others", async () => {
  const { admit } = limits(100, 10);
  await admit(of("full", 10));
  await refusal(admit([...of("1", 10), "full", ...of("2", 10)]));
  await admit([...of("1", 10), ...of("2", 10)]);
});

Deno.test("a batch that a context refuses takes nothing from the credential", async () => {
  const { admit } = limits(20, 10);
  await admit(of("full", 10));
  for (let n = 0; n < 5; n++) await refusal(admit(of("full", 5)));
  await admit(of("1", 10));
});

Deno.test("the wait is that of the limit that lasts longest, in whole seconds", async () => {
  const { admit } = limits(10, 2);
  await admit(of("1", 5)); // in debt: full in 2.5 s
  const { retryAfterSeconds, message } = await refusal(admit(of("1", 10)));
  assert.equal(retryAfterSeconds, 3);
  assert.match(message, /in context 1$/);
});

Deno.test("a batch above a second's worth is accepted once nothing is owed", async () => {
  const { admit, clock } = limits(0, 100);
  await admit(of("1", 1000));
  const { retryAfterSeconds } = await refusal(admit(["1"]));
  assert.equal(retryAfterSeconds, 10);
  await clock.advance(10_000);
  await admit(of("1", 1000));
});
