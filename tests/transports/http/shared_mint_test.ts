import assert from "node:assert/strict";
import type { SharedToken, SharedTokens } from "../../../core/shared_tokens.ts";
import { createSharedMint, type MintedToken, renewalTime } from "../../../transports/http/mod.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** Tokens that other nodes made; the first usable one counts. */
class OtherNodes implements SharedTokens {
  readonly found: SharedToken[] = [];
  readonly made: SharedToken[] = [];

  async get(_name: string, { usable, make }: Parameters<SharedTokens["get"]>[1]) {
    const found = this.found.find(usable);
    if (found !== undefined) return found;
    const made = await make();
    if (made !== undefined) this.made.push(made);
    return made;
  }
}

/** A mint whose own tokens last for 1,000 ms, of which the last 200 are the margin. */
function rig(mint?: () => Promise<MintedToken<string>>) {
  const clock = new FakeClock();
  const others = new OtherNodes();
  const get = createSharedMint<string>({
    ...{ sharedTokens: others, name: "a", secret: "s", clock },
    renewAt: (token) => renewalTime(token, { marginMs: 200 }),
    mint: mint ?? (() => Promise.resolve({ kind: "token", value: "own", lifetimeMs: 1000 })),
  });
  const now = clock.now();
  const shared = (value: string, from: number, to: number) =>
    others.found.push({ value, madeAt: now + from, expiresAt: now + to });
  return { clock, others, get, shared };
}

Deno.test("a token of another node is used for the rest of its lifetime", async () => {
  const { get, shared } = rig();
  shared("theirs", -300, 700);
  assert.deepEqual(await get(undefined), {
    ...{ kind: "token", value: "theirs", lifetimeMs: 700, renewAfterMs: 500, ageMs: 300 },
  });
});

Deno.test("a token whose renewal would begin now is not used", async () => {
  const { get, shared } = rig();
  shared("theirs", -800, 200);
  assert.equal((await get(undefined) as { readonly value: string }).value, "own");
});

Deno.test("a token that was refused here is not used, even from other nodes", async () => {
  const { get, shared } = rig();
  shared("refused", 0, 1000);
  shared("theirs", 0, 1000);
  assert.equal((await get("refused") as { readonly value: string }).value, "theirs");
});

Deno.test("a token that is created here is shared with its times", async () => {
  const { clock, get, others } = rig();
  assert.deepEqual(await get(undefined), {
    ...{ kind: "token", value: "own", lifetimeMs: 1000, renewAfterMs: 800, ageMs: 0 },
  });
  const madeAt = clock.now();
  assert.deepEqual(others.made, [{ value: "own", madeAt, expiresAt: madeAt + 1000 }]);
});

Deno.test("a failure to create a token is returned", async () => {
  const { get, others } = rig(() => Promise.resolve({ kind: "failed", failure: "down" }));
  assert.deepEqual(await get(undefined), { kind: "failed", failure: "down" });
  assert.deepEqual(others.made, []);
  const broken = rig(() => Promise.reject(new Error("broken")));
  await assert.rejects(broken.get(undefined), /broken/);
});

Deno.test("the renewal of a short-lived token begins in the middle of its lifetime", () => {
  assert.equal(renewalTime({ value: "", madeAt: 0, expiresAt: 100 }, { marginMs: 90 }), 50);
});
