/** Clients of the transport: which are served, which faults are reported, what a reload keeps. */

import assert from "node:assert/strict";
import { systemClock } from "../../../core/clock.ts";
import { ServiceError } from "../../../core/errors.ts";
import { apnOptionsSchema, createApnTransport } from "../../../transports/apn/mod.ts";
import type { HttpSender } from "../../../transports/http/mod.ts";
import { settle } from "../../support/fake_clock.ts";
import { makeCertificate, openssl, withTempDir } from "../../support/certificate.ts";
import { type MakeEngine, testEngines } from "../http/_engines.ts";
import {
  type Answer,
  createRig,
  files,
  jwtEntry,
  type Push,
  readersOf,
  startApns,
} from "./_apns.ts";
import { makeKeystore, makePushCertificate } from "./_keystore.ts";
import { MAIL, TARGET, TOKEN } from "./_message.ts";

const never = new AbortController().signal;
const NOWHERE = "https://localhost:9";
const DAY = 86_400_000;

function p12Entry(extra: Record<string, unknown> = {}) {
  return apnOptionsSchema.parse({ keystore: "/etc/app.p12", password: "secret", ...extra });
}

/** A server and a transport with one client, `myiosclient`. */
async function rigAt(
  makeEngine: MakeEngine,
  answer: (push: Push) => Answer = () => ({ status: 200 }),
) {
  const server = await startApns(answer);
  const rig = createRig(makeEngine);
  const entry = jwtEntry(server.origin);
  await rig.configure({ myiosclient: entry });
  return {
    ...rig,
    entry,
    pushes: server.pushes,
    send: () => rig.transport.send(TARGET, MAIL, never),
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

testEngines(
  "clients are served as configured, those that are switched off are not",
  async (makeEngine) => {
    await using rig = createRig(makeEngine);
    const off = apnOptionsSchema.parse({ enabled: false });
    assert.deepEqual(await rig.configure({ one: jwtEntry(NOWHERE), two: off }), []);
    const environment = `production at ${NOWHERE}`;
    assert.deepEqual(rig.transport.status(), [{ client: "one", ready: true, environment }]);
    assert.equal(rig.transport.serves("one"), true);
    assert.equal(rig.transport.serves("two"), false);
    const outcome = await rig.transport.send({ ...TARGET, client: "two" }, MAIL, never);
    assert.equal(outcome.kind, "misconfigured");
  },
);

testEngines("an invalid file affects its own client only, and is named", async (makeEngine) => {
  await using rig = createRig(makeEngine);
  const faults = await rig.configure({
    good: jwtEntry(NOWHERE),
    gone: jwtEntry(NOWHERE, { privatekey: "/etc/none.p8" }),
    wrong: jwtEntry(NOWHERE, { privatekey: "/etc/ca.pem" }),
    trust: jwtEntry(NOWHERE, { cafile: "/etc/none.pem" }),
  });
  assert.deepEqual(faults, [
    {
      client: "gone",
      file: "/etc/none.p8",
      message: "does not exist",
    },
    {
      client: "wrong",
      file: "/etc/ca.pem",
      message: "holds a certificate and no private key",
    },
    {
      client: "trust",
      file: "/etc/none.pem",
      message: "does not exist",
    },
  ]);
  assert.equal(rig.transport.serves("good"), true);
  const notReady = rig.transport.status().filter(({ ready }) => !ready);
  assert.deepEqual(notReady.map(({ client }) => client), ["gone", "trust", "wrong"]);
});

testEngines(
  "a file of authorities without readable certificates is reported",
  async (makeEngine) => {
    await using rig = createRig(makeEngine);
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const none = "contains no PEM certificate";
    const unreadable = "contains a certificate that cannot be read";
    for (const [text, message] of [["", none], ["trust me", none], [broken, unreadable]] as const) {
      rig.disk.set("/etc/ca.pem", new TextEncoder().encode(text));
      assert.deepEqual(await rig.configure({ app: jwtEntry(NOWHERE) }), [{
        client: "app",
        file: "/etc/ca.pem",
        message,
      }]);
    }
  },
);

testEngines("a certificate of X.509 version 1 is reported as such", async (makeEngine) => {
  const bytes = await withTempDir(async (dir) => {
    const files = ["-keyout", "key.pem", "-out", "req.pem", "-subj", "/UID=a.b/CN=v1"];
    await openssl(dir, ["req", "-newkey", "rsa:2048", "-nodes", ...files]);
    const sign = ["x509", "-req", "-in", "req.pem", "-signkey", "key.pem", "-days", "2"];
    const cert = new TextDecoder().decode(await openssl(dir, sign));
    const key = await Deno.readTextFile(`${dir}/key.pem`);
    return await makeKeystore({ key, cert }, { password: "secret" });
  });
  await using rig = createRig(makeEngine);
  rig.clock.jump(Date.now() - rig.clock.now());
  rig.disk.set("/etc/app.p12", bytes);
  const [fault] = await rig.configure({ old: p12Entry() });
  assert.deepEqual(fault, {
    client: "old",
    file: "/etc/app.p12",
    message: "cannot be used: the certificate has X.509 version 1; version 3 is needed",
  });
});

testEngines(
  "the status says when a certificate expires, and warns in its last month",
  async (makeEngine) => {
    const pair = await makePushCertificate();
    await using rig = createRig(makeEngine);
    rig.clock.jump(Date.now() - rig.clock.now());
    rig.disk.set("/etc/app.p12", await makeKeystore(pair, { password: "secret" }));
    await rig.configure({ app: p12Entry() });
    const [status] = rig.transport.status();
    assert.equal(status!.ready, true);
    assert.match(status!.detail!, /^the certificate ends on 20/);
    assert.ok(status!.credentialExpiresAt! > rig.clock.now());
    rig.clock.jump(3 * DAY);
    const [expired] = rig.transport.status();
    assert.equal(expired!.ready, false);
    assert.match(expired!.detail!, /^the certificate expired on 20/);
  },
);

testEngines(
  "a reload keeps the connections of a client that did not change",
  async (makeEngine) => {
    await using rig = await rigAt(makeEngine);
    await rig.send();
    await rig.configure({ myiosclient: { ...rig.entry }, another: jwtEntry(NOWHERE) });
    await rig.send();
    assert.deepEqual(rig.pushes.map(({ session }) => session), [1, 1]);
  },
);

testEngines("a reload takes up changed options", async (makeEngine) => {
  await using rig = await rigAt(makeEngine);
  await rig.send();
  await rig.configure({ myiosclient: { ...rig.entry, topic: "com.example.other" } });
  await rig.send();
  assert.equal(rig.pushes[1]!.headers["apns-topic"], "com.example.other");
  assert.deepEqual(rig.pushes.map(({ session }) => session), [1, 2]);
});

testEngines("a reload takes up a changed file behind the same options", async (makeEngine) => {
  await using rig = await rigAt(makeEngine);
  await rig.send();
  const other = await makeCertificate();
  const trusted = new TextDecoder().decode(rig.disk.get("/etc/ca.pem"));
  rig.disk.set("/etc/ca.pem", new TextEncoder().encode(`${trusted}\n${other.cert}`));
  await rig.configure({ myiosclient: rig.entry });
  await rig.send();
  assert.deepEqual(rig.pushes.map(({ session }) => session), [1, 2]);
});

testEngines("a reload that removes a client lets its sends end", async (makeEngine) => {
  await using rig = await rigAt(makeEngine, () => undefined);
  const sending = rig.send();
  while (rig.pushes.length === 0) await settle();
  await rig.configure({});
  assert.equal(rig.transport.serves("myiosclient"), false);
  await rig.clock.advance(10_000);
  assert.match((await sending as { reason: string }).reason, /no answer within/);
});

testEngines("a reload that repairs a client serves it again", async (makeEngine) => {
  await using rig = createRig(makeEngine);
  const entry = jwtEntry(NOWHERE, { privatekey: "/etc/late.p8" });
  assert.equal((await rig.configure({ app: entry })).length, 1);
  rig.disk.set("/etc/late.p8", rig.disk.get("/etc/key.p8")!);
  assert.deepEqual(await rig.configure({ app: entry }), []);
  assert.equal(rig.transport.serves("app"), true);
});

testEngines("closing the transport waits for the sends in flight", async (makeEngine) => {
  await using rig = await rigAt(makeEngine, () => undefined);
  const sending = rig.send();
  while (rig.pushes.length === 0) await settle();
  const closing = rig.transport[Symbol.asyncDispose]();
  await rig.clock.advance(10_000);
  assert.equal((await sending).kind, "retry");
  await closing;
});

testEngines(
  "parseAddress() takes hexadecimal tokens in any case, and lowers it",
  async (makeEngine) => {
    await using rig = createRig(makeEngine);
    assert.equal(rig.transport.parseAddress("app", ` ${TOKEN.toUpperCase()} `), TOKEN);
    assert.equal(rig.transport.parseAddress("app", "ab".repeat(4)), "ab".repeat(4));
    assert.equal(rig.transport.parseAddress("app", "ab".repeat(100)), "ab".repeat(100));
  },
);

testEngines(
  "parseAddress() refuses anything but a device token, without repeating it",
  async (makeEngine) => {
    await using rig = createRig(makeEngine);
    const bad = ["", "xyz", TOKEN + "0", "ab".repeat(3), "ab".repeat(101), "../x", 7, null, [
      TOKEN,
    ]];
    for (const raw of bad) {
      assert.throws(
        () => rig.transport.parseAddress("app", raw),
        (error) =>
          error instanceof ServiceError && error.code === "invalid_token" &&
          !error.message.includes(TOKEN),
      );
    }
  },
);

Deno.test("the default addresses are Apple's, by environment", async () => {
  const origins: string[] = [];
  const transport = createApnTransport({
    clock: systemClock,
    engine: {
      maxConcurrent: 1,
      open({ origin }) {
        origins.push(origin);
        return { renew() {}, [Symbol.asyncDispose]: async () => {} } as unknown as HttpSender;
      },
    },
    createHttpClient: Deno.createHttpClient,
    ...readersOf(files()),
  });
  const { address: _, cafile: __, ...entry } = jwtEntry(NOWHERE);
  await transport.configure(
    new Map([["live", entry], ["test", { ...entry, production: false }]]),
  );
  assert.deepEqual(origins, ["https://api.push.apple.com", "https://api.sandbox.push.apple.com"]);
  await transport[Symbol.asyncDispose]();
});
