/**
 * Providers that answer with garbage, without end, or not at all: each attempt comes to an outcome
 * within its deadline, holds little of what came, and follows no redirect.
 */

import assert from "node:assert/strict";
import type { Outcome } from "../../core/outcome.ts";
import type { Transport } from "../../core/transport.ts";
import { createGcmTransport } from "../../transports/gcm/mod.ts";
import { createWebPushTransport, webPushOptionsSchema } from "../../transports/webpush/mod.ts";
import { makeVapidKeys } from "../../transports/webpush/vapid.ts";
import { createWnsTransport } from "../../transports/wns/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { until } from "../support/until.ts";
import { createRig, jwtEntry, serverPair } from "../transports/apn/_apns.ts";
import { TOKEN } from "../transports/apn/_message.ts";
import {
  filesOf,
  mailMessage,
  makeServiceAccount,
  targetOf,
} from "../transports/gcm/fake_provider.ts";
import { ENGINES } from "../transports/http/_engines.ts";
import { makeBrowser } from "../transports/webpush/_browser.ts";
import { type BadProvider, startBadH1, startBadH2 } from "./_bad_providers.ts";
import { type Dice, diceOf, fuzz } from "./_fuzz.ts";

const CASES = 40;
/** Two tokens and two attempts, each 15 seconds at most, and what one step passes over. */
const LONGEST_MS = 65_000;
const STEP_MS = 500;
const MIB = 2 ** 20;
/** Bytes of an endless body that connections and the runtime buffer before they stop. */
const MAX_TAKEN_BYTES = 32 * MIB;
const MAX_GROWTH_BYTES = 192 * MIB;
const KINDS: readonly Outcome["kind"][] = ["sent", "kept", "offline", "source", "gone", "rejected"]
  .concat("retry", "misconfigured") as Outcome["kind"][];
const never = new AbortController().signal;

interface Way {
  readonly transport: Transport;
  readonly clock: FakeClock;
  readonly token: string;
}

type Open = (origin: string) => Promise<Way>;

const account = await makeServiceAccount();
const disk = { "/ca.pem": serverPair.cert, "/account.json": account.json };

function common() {
  const clock = new FakeClock();
  const { createHttpClient } = Deno;
  return { clock, fetch, createHttpClient, readTextFile: filesOf(disk) };
}

for (const [name, makeEngine] of Object.entries(ENGINES)) {
  testWay(`apn (${name})`, startBadH2, async (origin) => {
    const { transport, clock, configure } = createRig(makeEngine);
    assert.deepEqual(await configure({ app: jwtEntry(origin) }), []);
    return { transport, clock, token: TOKEN };
  });
  testWay(`gcm (${name})`, startBadH2, async (origin) => {
    const deps = common();
    const engine = makeEngine(deps.clock, { connections: 1 });
    const transport = createGcmTransport({ ...deps, engine });
    const addresses = { address: origin, tokenaddress: `${origin}/token`, cafile: "/ca.pem" };
    const entry = { serviceaccount: "/account.json", ...addresses };
    assert.deepEqual(await transport.configure(new Map([["app", entry]])), []);
    return { ...deps, transport, token: "a-token" };
  });
}

for (const [protocol, start] of [["HTTP/1.1", startBadH1], ["HTTP/2", startBadH2]] as const) {
  testWay(`gcm with a server key (${protocol})`, start, async (origin) => {
    const deps = common();
    const engine = ENGINES["fetch"]!(deps.clock);
    const transport = createGcmTransport({ ...deps, engine });
    const entry = { key: "AIza", address: origin, cafile: "/ca.pem" };
    assert.deepEqual(await transport.configure(new Map([["app", entry]])), []);
    return { ...deps, transport, token: "a-token" };
  });

  testWay(`wns (${protocol})`, start, async (origin) => {
    const deps = common();
    const transport = createWnsTransport(deps);
    const { host } = new URL(origin);
    const addresses = { tokenaddress: `${origin}/token`, hosts: [host], cafile: "/ca.pem" };
    const entry = { sid: "S-1-15-2-1", secret: "hush", ...addresses };
    assert.deepEqual(await transport.configure(new Map([["app", entry]])), []);
    return { ...deps, transport, token: `${origin}/channel/1` };
  });

  testWay(`webpush (${protocol})`, start, async (origin) => {
    const deps = common();
    const resolve = () => Promise.reject(new Error("unexpected"));
    const transport = createWebPushTransport({ ...deps, resolve });
    const entry = webPushOptionsSchema.parse({
      ...await makeVapidKeys(),
      ...{ subject: "mailto:ops@example.com", hosts: [new URL(origin).host], cafile: "/ca.pem" },
    });
    assert.deepEqual(await transport.configure(new Map([["app", entry]])), []);
    const subscription = (await makeBrowser()).subscription(`${origin}/one`);
    return { ...deps, transport, token: JSON.stringify(subscription) };
  });
}

function testWay(
  name: string,
  start: (pair: typeof serverPair, dice: Dice) => BadProvider | Promise<BadProvider>,
  open: Open,
): void {
  Deno.test(`${name}: whatever a provider answers comes to an outcome in time`, async () => {
    let trapped = 0;
    await using trap = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
      trapped++;
      return new Response();
    });
    await using provider = await start(serverPair, diceOf(0));
    provider.trap = `http://127.0.0.1:${trap.addr.port}`;
    const { transport, clock, token } = await open(provider.origin);
    await using _closed = transport;
    const before = Deno.memoryUsage().rss;
    await fuzz({ cases: CASES }, async (dice) => {
      provider.dice = dice;
      const outcome = await outcomeOf(transport, { clock, token });
      assert.ok(KINDS.includes(outcome.kind), JSON.stringify(outcome));
      assert.ok(JSON.stringify(outcome).length < 4_096, "an outcome quotes an answer");
      const grown = Deno.memoryUsage().rss - before;
      assert.ok(grown < MAX_GROWTH_BYTES, `${Math.round(grown / MIB)} MiB more are held`);
      // Past what a provider may have asked the whole client to wait.
      await clock.advance(1_000_000);
    });
    assert.ok(provider.answers > CASES / 4, `${provider.answers} answers`);
    assert.ok(provider.longest < MAX_TAKEN_BYTES, `${provider.longest} bytes were taken`);
    assert.equal(trapped, 0, "a redirect was followed");
  });
}

/** Returns the outcome of one attempt while its clock runs much faster than the network. */
async function outcomeOf(
  transport: Transport,
  { clock, token }: { readonly clock: FakeClock; readonly token: string },
): Promise<Outcome> {
  let outcome: Outcome | undefined;
  let thrown: unknown;
  const target = targetOf(transport.name, token);
  Promise.resolve(transport.send(target, mailMessage({ id: crypto.randomUUID() }), never))
    .then((made) => outcome = made, (error) => thrown = error);
  const started = clock.monotonic();
  await until("it comes to an outcome", async () => {
    if (outcome !== undefined || thrown !== undefined) return true;
    await clock.advance(STEP_MS);
    return undefined;
  });
  if (thrown !== undefined) throw thrown;
  const took = clock.monotonic() - started;
  assert.ok(took <= LONGEST_MS, `it took ${took} ms`);
  return outcome!;
}
