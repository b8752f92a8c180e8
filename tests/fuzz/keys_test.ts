/**
 * Keystores, keys and service accounts with bytes changed: each is opened or comes to a fault, never
 * to an exception, and none takes longer than a second.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { systemClock } from "../../core/clock.ts";
import { type ApnOptions, apnOptionsSchema } from "../../transports/apn/mod.ts";
import { loadCredential } from "../../transports/apn/credentials.ts";
import { openPkcs12 } from "../../transports/apn/pkcs12.ts";
import { ClientConfigError } from "../../transports/clients/mod.ts";
import { readServiceAccount, ServiceAccountError } from "../../transports/gcm/service_account.ts";
import { createWebPushTransport, webPushOptionsSchema } from "../../transports/webpush/mod.ts";
import { makeVapidKeys } from "../../transports/webpush/vapid.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { makeKeystore, makePushCertificate } from "../transports/apn/_keystore.ts";
import { files } from "../transports/apn/_apns.ts";
import { makeServiceAccount } from "../transports/gcm/fake_provider.ts";
import { spoiledBody, spoiledText } from "./_bodies.ts";
import { type Dice, fuzz } from "./_fuzz.ts";

const LONGEST_MS = 1_000;
const PASSWORD = "A3JWKAKR8XB";

type Bytes = Uint8Array<ArrayBuffer>;

Deno.test("a damaged keystore is opened or reported as a fault, within a second", async () => {
  const pair = await makePushCertificate({ algorithm: "ec" });
  const variants = [[], ["-legacy"], ["-nomac"], ["-certpbe", "NONE"], ["-keypbe", "NONE"]];
  const stores = await Promise.all(
    variants.map((args) => makeKeystore(pair, { password: PASSWORD, args })),
  );
  const options = apnOptionsSchema.parse({ keystore: "/etc/app.p12", password: PASSWORD });
  await fuzz({ cases: 300 }, async (dice) => {
    const bytes = spoiledDer(dice.pick(stores) as Bytes, dice);
    await inTime(async () => {
      const { kind } = await openPkcs12(bytes, dice.chance(0.9) ? PASSWORD : "wrong");
      assert.match(kind, /^(?:opened|fault)$/);
      await loadOrFault(options, bytes);
    });
  });
});

/** Anything thrown but a {@link ClientConfigError} fails the test. */
async function loadOrFault(options: ApnOptions, bytes: Bytes) {
  try {
    const nowMs = systemClock.now();
    assert.ok((await loadCredential({ ...options, auth: options.auth! }, { bytes, nowMs })).topic);
  } catch (thrown) {
    if (!(thrown instanceof ClientConfigError)) throw thrown;
  }
}

Deno.test("a damaged token key is loaded or reported as a fault", async () => {
  const key = files().get("/etc/key.p8") as Bytes;
  const options = apnOptionsSchema.parse({
    ...{ privatekey: "/etc/key.p8", keyid: "ABC1234567", teamid: "TEAM123456" },
    topic: "com.example.app",
  });
  await fuzz({ cases: 1_500 }, async (dice) => {
    const bytes = dice.chance(0.5) ? spoiledPem(key, dice) : spoiledDer(key, dice);
    await inTime(async () => {
      await loadOrFault(options, bytes);
    });
  });
});

Deno.test("a spoiled service account is read or refused as one", async () => {
  const { json } = await makeServiceAccount();
  const account = JSON.parse(json);
  const decoder = new TextDecoder();
  await fuzz({ cases: 1_500 }, async (dice) => {
    const pem = new TextEncoder().encode(account.private_key) as Bytes;
    const spoiled = { ...account, private_key: decoder.decode(spoiledPem(pem, dice)) };
    const text = dice.chance(0.3)
      ? JSON.stringify(spoiled)
      : decoder.decode(spoiledBody(account, dice));
    await inTime(async () => {
      try {
        await readServiceAccount(text, { tokenAddressSet: dice.chance(0.5) });
      } catch (thrown) {
        if (!(thrown instanceof ServiceAccountError)) throw thrown;
      }
    });
  });
});

Deno.test("damaged VAPID keys are used or reported as a fault", async () => {
  const keys = await makeVapidKeys();
  await using transport = createWebPushTransport({
    ...{ clock: new FakeClock(), fetch, createHttpClient: Deno.createHttpClient },
    readTextFile: () => Promise.reject(new Deno.errors.NotFound("no")),
    resolve: () => Promise.resolve([]),
  });
  await fuzz({ cases: 800 }, async (dice) => {
    const entry = { ...keys } as Record<keyof typeof keys, string>;
    const name = dice.pick(["publickey", "privatekey"] as const);
    entry[name] = dice.chance(0.5) ? spoiledText(entry[name], dice) : swapped(entry[name], dice);
    await inTime(async () => {
      const parsed = webPushOptionsSchema.safeParse({ ...entry, subject: "mailto:a@example.com" });
      if (!parsed.success) return;
      const faults = await transport.configure(new Map([["app", parsed.data]]));
      assert.equal(transport.serves("app"), faults.length === 0);
    });
  });
});

async function inTime(run: () => Promise<void>): Promise<void> {
  // Of this process alone: others may use the same cores.
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  const tookMs = (user + system) / 1000;
  assert.ok(tookMs < LONGEST_MS, `it took ${Math.round(tookMs)} ms of CPU`);
}

/** Bytes replaced, lengths and counts made large, parts cut out or doubled. */
function spoiledDer(bytes: Bytes, dice: Dice): Bytes {
  const made = bytes.slice();
  for (let n = 1 + dice.below(4); n > 0; n--) {
    const at = dice.below(dice.chance(0.5) ? Math.min(200, made.length) : made.length);
    made[at] = dice.pick([0, 1, 0x7f, 0x80, 0x84, 0xff, 0x30, 0x04, 0x02, dice.below(256)]);
  }
  if (dice.chance(0.3)) raiseCount(made, dice);
  if (dice.chance(0.1)) return made.slice(0, dice.below(made.length));
  if (dice.chance(0.1)) {
    const at = dice.below(made.length);
    return Uint8Array.from([...made.subarray(0, at), ...made.subarray(dice.below(at + 1))]);
  }
  return made;
}

/** An iteration count of two bytes, as OpenSSL writes 2048, becomes as large as that can be. */
function raiseCount(made: Bytes, dice: Dice): void {
  const places = [...made.keys()].filter((at) => made[at] === 2 && made[at + 1] === 2);
  if (places.length > 0) made.set([0x7f, 0xff], dice.pick(places) + 2);
}

function spoiledPem(bytes: Bytes, dice: Dice): Bytes {
  const text = new TextDecoder().decode(bytes);
  if (dice.chance(0.5)) return new TextEncoder().encode(swapped(text, dice));
  return new TextEncoder().encode(spoiledText(text, dice).slice(0, 50_000));
}

function swapped(text: string, dice: Dice): string {
  const at = dice.below(text.length);
  return text.slice(0, at) + dice.pick([..."ABCxyz019+/=-_ \n"]) + text.slice(at + 1);
}
