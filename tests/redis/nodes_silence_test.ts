/** How nodes see each other after outages, second by second, on a register in memory. */

import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { silentLog } from "../../core/log.ts";
import type { RedisLink } from "../../redis/mod.ts";
import { joinNodes } from "../../redis/nodes/registered_nodes.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { mortalClock } from "../support/mortal_clock.ts";

const LEASE_MS = 6_000;

/** A register that can be unavailable, with the meaning of the scripts. */
class Register {
  readonly clock = new FakeClock();
  readonly signs = new Map<string, number>();
  isUnavailable = false;
  readonly #listeners: (() => void)[] = [];

  async join(id: string) {
    const clock = mortalClock(this.clock);
    let isCut = false;
    const link: Pick<RedisLink, "run" | "onUp" | "now"> = {
      now: () => this.clock.now(),
      onUp: (listener) => void this.#listeners.push(listener),
      run: ({ name }) => {
        if (this.isUnavailable || isCut) {
          return Promise.reject(new ServiceError("store_unavailable", "away"));
        }
        const now = this.clock.now();
        const before = this.signs.get(id);
        this.signs.set(id, name === "nodes_leave" ? -now : now);
        const all = [...this.signs].flatMap(([node, at]) => [node, String(at)]);
        return Promise.resolve([now, before === undefined ? null : String(before), all]);
      },
    };
    const nodes = await joinNodes({
      ...{ link, clock, random: () => 0.5, log: silentLog, id, leaseMs: LEASE_MS },
    });
    const cut = (is: boolean) => void (isCut = is);
    return { nodes, cut, kill: () => (clock.kill(), cut(true)) };
  }

  async comeBack() {
    this.isUnavailable = false;
    for (const listener of this.#listeners) listener();
    await settle();
  }
}

async function twoNodes() {
  const register = new Register();
  const a = await register.join("a");
  const b = await register.join("b");
  await a.nodes.refresh();
  return { register, a, b };
}

Deno.test("a killed node is dead at the first renewal after its lease", async () => {
  const { register, a, b } = await twoNodes();
  b.kill();
  await register.clock.advance(LEASE_MS - 1);
  assert.ok(a.nodes.isAlive("b"));
  await register.clock.advance(LEASE_MS / 4 + 1);
  assert.equal(a.nodes.isAlive("b"), false);
});

Deno.test("the view stays unchanged during an outage of the register, however long", async () => {
  const { register, a } = await twoNodes();
  register.isUnavailable = true;
  await register.clock.advance(3_600_000);
  assert.deepEqual(a.nodes.alive(), ["a", "b"]);
});

Deno.test("other nodes get one lease to return after an outage", async () => {
  const { register, a, b } = await twoNodes();
  register.isUnavailable = true;
  await register.clock.advance(60_000);
  b.cut(true);
  await register.comeBack();
  assert.ok(a.nodes.isAlive("b"));
  await register.clock.advance(LEASE_MS - 1);
  assert.ok(a.nodes.isAlive("b"));
  await register.clock.advance(LEASE_MS / 4 + 1);
  assert.equal(a.nodes.isAlive("b"), false);
});

Deno.test("a node that leaves during that time is dead at once", async () => {
  const { register, a, b } = await twoNodes();
  register.isUnavailable = true;
  await register.clock.advance(60_000);
  await register.comeBack();
  await b.nodes[Symbol.asyncDispose]();
  await a.nodes.refresh();
  assert.equal(a.nodes.isAlive("b"), false);
});

Deno.test("repeated outages do not keep a dead node alive", async () => {
  const { register, a, b } = await twoNodes();
  b.kill();
  for (let round = 0; round < 4; round++) {
    register.isUnavailable = true;
    await register.clock.advance(LEASE_MS / 2);
    await register.comeBack();
    await register.clock.advance(1_000);
  }
  assert.equal(a.nodes.isAlive("b"), false);
});

Deno.test("a node loses its lease once per outage, and only where that was longer than the lease", async () => {
  const { register, a } = await twoNodes();
  let leasesLost = 0;
  a.nodes.onLeaseLost(() => leasesLost++);
  a.cut(true);
  await register.clock.advance(LEASE_MS - 1_600);
  a.cut(false);
  await register.clock.advance(LEASE_MS);
  assert.equal(leasesLost, 0);
  a.cut(true);
  await register.clock.advance(2 * LEASE_MS);
  assert.equal(leasesLost, 0, "it cannot know yet");
  a.cut(false);
  await register.clock.advance(LEASE_MS);
  assert.equal(leasesLost, 1);
});

Deno.test("a heartbeat whose answer was lost does not hide a lost lease", async () => {
  const { register, a } = await twoNodes();
  let leasesLost = 0;
  a.nodes.onLeaseLost(() => leasesLost++);
  a.cut(true);
  await register.clock.advance(2 * LEASE_MS);
  register.signs.set("a", register.clock.now());
  a.cut(false);
  await a.nodes.refresh();
  assert.equal(leasesLost, 1);
});

Deno.test("a disposed node does not register again", async () => {
  const { register, a } = await twoNodes();
  const leaving = a.nodes[Symbol.asyncDispose]();
  await a.nodes.refresh();
  await leaving;
  await register.clock.advance(LEASE_MS);
  await register.comeBack();
  assert.ok(register.signs.get("a")! < 0);
});
