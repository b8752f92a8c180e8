/** Whole sends over real HTTP/2: what the server receives, and the outcomes of its answers. */

import assert from "node:assert/strict";
import http2 from "node:http2";
import { decodeProtectedHeader, jwtVerify } from "jose";
import type { SharedTokens } from "../../../core/shared_tokens.ts";
import { apnOptionsSchema } from "../../../transports/apn/mod.ts";
import { settle } from "../../support/fake_clock.ts";
import { type MakeEngine, testEngines } from "../http/_engines.ts";
import { close, goaway, startH2Server, startRawServer } from "../http/_h2_servers.ts";
import {
  type Answer,
  createRig,
  jwtEntry,
  publicKey,
  type Push,
  serverPair,
  startApns,
} from "./_apns.ts";
import { makeKeystore, makePushCertificate } from "./_keystore.ts";
import { CALENDAR, ID, MAIL, TARGET, TOKEN } from "./_message.ts";

const never = new AbortController().signal;
const MINUTE = 60_000;
const OK: Answer = { status: 200 };

/** A transport with one client, and a server with given answers. */
async function rigAt(
  makeEngine: MakeEngine,
  answer: (push: Push) => Answer,
) {
  const server = await startApns(answer);
  const rig = createRig(makeEngine);
  assert.deepEqual(await rig.configure({ myiosclient: jwtEntry(server.origin) }), []);
  return {
    ...rig,
    pushes: server.pushes,
    send: (token = TOKEN) => rig.transport.send({ ...TARGET, token }, MAIL, never),
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

testEngines(
  "a push reaches APNs with its path, headers, body and a valid token",
  async (makeEngine) => {
    await using rig = await rigAt(makeEngine, () => OK);
    assert.deepEqual(await rig.send(), { kind: "sent", providerId: ID });
    const [push] = rig.pushes;
    assert.equal(push!.path, `/3/device/${TOKEN}`);
    assert.equal(push!.headers[":method"], "POST");
    assert.equal(push!.headers["apns-topic"], "com.example.app");
    assert.equal(push!.headers["apns-push-type"], "alert");
    assert.equal(push!.headers["apns-id"], ID);
    assert.equal(push!.headers["content-length"], String(JSON.stringify(push!.body).length));
    assert.deepEqual((push!.body.aps as Record<string, unknown>).badge, 83);
    const jwt = /^bearer (.+)$/.exec(push!.headers.authorization!)![1]!;
    assert.deepEqual(decodeProtectedHeader(jwt), { alg: "ES256", kid: "ABC1234567" });
    const currentDate = new Date(rig.clock.now());
    const { payload } = await jwtVerify(jwt, publicKey, { issuer: "TEAM123456", currentDate });
    assert.deepEqual(Object.keys(payload).sort(), ["iat", "iss"]);
  },
);

testEngines("many pushes share one connection and one provider token", async (makeEngine) => {
  await using rig = await rigAt(makeEngine, () => OK);
  const outcomes = await Promise.all(Array.from({ length: 300 }, () => rig.send()));
  assert.ok(outcomes.every(({ kind }) => kind === "sent"));
  assert.equal(new Set(rig.pushes.map(({ session }) => session)).size, 1);
  assert.equal(new Set(rig.pushes.map(({ headers }) => headers.authorization)).size, 1);
});

testEngines(
  "a client with a keystore shows its certificate and sends no token",
  async (makeEngine) => {
    const push = await makePushCertificate();
    await using server = await startApns(() => OK, {
      requestCert: true,
      rejectUnauthorized: true,
      ca: push.cert,
    });
    await using rig = createRig(makeEngine);
    rig.disk.set("/etc/app.p12", await makeKeystore(push, { password: "secret" }));
    const entry = apnOptionsSchema.parse({
      keystore: "/etc/app.p12",
      password: "secret",
      address: server.origin,
      cafile: "/etc/ca.pem",
    });
    rig.clock.jump(Date.now() - rig.clock.now());
    assert.deepEqual(await rig.configure({ myiosclient: entry }), []);
    assert.equal((await rig.transport.send(TARGET, CALENDAR, never)).kind, "sent");
    const [seen] = server.pushes;
    assert.equal(seen!.peer, "Apple Push Services: com.example.app");
    assert.equal(seen!.headers.authorization, undefined);
    assert.equal(seen!.headers["apns-topic"], "com.example.app");
  },
);

testEngines("a certificate that APNs refuses is a misconfiguration", async (makeEngine) => {
  const other = await makePushCertificate();
  await using server = await startApns(() => OK, {
    requestCert: true,
    rejectUnauthorized: true,
    ca: other.cert,
  });
  await using rig = createRig(makeEngine);
  await rig.configure({ myiosclient: jwtEntry(server.origin) });
  const outcome = await rig.transport.send(TARGET, MAIL, never);
  assert.ok(outcome.kind === "misconfigured");
  assert.match(outcome.reason, /client certificate/);
});

testEngines(
  "a key that the connection does not know is retried on a new one",
  async (makeEngine) => {
    await using rig = await rigAt(
      makeEngine,
      ({ session }) => session === 1 ? { status: 403, reason: "UnrelatedKeyIdInToken" } : OK,
    );
    assert.equal((await rig.send()).kind, "sent");
    assert.deepEqual(
      rig.pushes.map(({ session }) => session),
      [1, 2],
    );
  },
);

testEngines(
  "a key that no connection knows is a misconfiguration after the second try",
  async (makeEngine) => {
    await using rig = await rigAt(
      makeEngine,
      () => ({ status: 403, reason: "UnrelatedKeyIdInToken" }),
    );
    const outcome = await rig.send();
    assert.deepEqual(outcome, { kind: "misconfigured", reason: "UnrelatedKeyIdInToken" });
    assert.equal(rig.pushes.length, 2);
  },
);

testEngines("connections are not renewed over and over", async (makeEngine) => {
  await using rig = await rigAt(
    makeEngine,
    () => ({ status: 403, reason: "UnrelatedKeyIdInToken" }),
  );
  for (let round = 0; round < 5; round++) await rig.send();
  assert.equal(Math.max(...rig.pushes.map(({ session }) => session)), 2);
});

testEngines(
  "an expired token that may be replaced is replaced, and the push sent again",
  async (makeEngine) => {
    let refuse = false;
    await using rig = await rigAt(makeEngine, () => {
      const answer = refuse ? { status: 403, reason: "ExpiredProviderToken" } : OK;
      refuse = false;
      return answer;
    });
    await rig.send();
    await rig.clock.advance(31 * MINUTE);
    refuse = true;
    assert.equal((await rig.send()).kind, "sent");
    const tokens = rig.pushes.map(({ headers }) => headers.authorization);
    assert.equal(tokens[0], tokens[1]);
    assert.notEqual(tokens[1], tokens[2]);
  },
);

testEngines("a young token that APNs calls expired points to a wrong clock", async (makeEngine) => {
  await using rig = await rigAt(
    makeEngine,
    () => ({ status: 403, reason: "ExpiredProviderToken" }),
  );
  const outcome = await rig.send();
  assert.ok(outcome.kind === "misconfigured");
  assert.match(outcome.reason, /clock/);
  assert.equal(rig.pushes.length, 1);
});

testEngines("too many tokens: the same one goes over another connection", async (makeEngine) => {
  await using rig = await rigAt(
    makeEngine,
    ({ session }) => session === 1 ? { status: 429, reason: "TooManyProviderTokenUpdates" } : OK,
  );
  assert.equal((await rig.send()).kind, "sent");
  assert.equal(new Set(rig.pushes.map(({ headers }) => headers.authorization)).size, 1);
});

testEngines(
  "too many tokens on every connection: the client waits 20 minutes",
  async (makeEngine) => {
    await using rig = await rigAt(
      makeEngine,
      () => ({ status: 429, reason: "TooManyProviderTokenUpdates" }),
    );
    assert.deepEqual(await rig.send(), {
      kind: "retry",
      reason: "TooManyProviderTokenUpdates",
      afterMs: 20 * MINUTE,
      scope: "client",
    });
    assert.equal(rig.pushes.length, 2);
  },
);

testEngines("a bad token is kept until another of the app was accepted", async (makeEngine) => {
  await using rig = await rigAt(
    makeEngine,
    ({ path }) => path.endsWith("bad0") ? { status: 400, reason: "BadDeviceToken" } : OK,
  );
  assert.equal((await rig.send("bad0")).kind, "rejected");
  assert.match(rig.transport.status()[0]!.detail!, /BadDeviceToken.*check 'production'/);
  assert.equal((await rig.send()).kind, "sent");
  assert.equal(rig.transport.status()[0]!.detail, undefined);
  assert.deepEqual(await rig.send("bad0"), { kind: "gone", reason: "BadDeviceToken" });
});

testEngines("a server that is shutting down is tried once more at once", async (makeEngine) => {
  let first = true;
  await using rig = await rigAt(makeEngine, () => {
    const answer = first ? { status: 503, reason: "Shutdown" } : OK;
    first = false;
    return answer;
  });
  assert.equal((await rig.send()).kind, "sent");
});

testEngines("a server that does not answer times out after ten seconds", async (makeEngine) => {
  await using rig = await rigAt(makeEngine, () => undefined);
  const sending = rig.send();
  while (rig.pushes.length === 0) await settle();
  await rig.clock.advance(10_000);
  const outcome = await sending;
  assert.ok(outcome.kind === "retry");
  assert.match(outcome.reason, /no answer within 10000 ms/);
});

testEngines("a send that its caller aborts is to be retried", async (makeEngine) => {
  await using rig = await rigAt(makeEngine, () => undefined);
  const abort = new AbortController();
  const sending = rig.transport.send(TARGET, MAIL, abort.signal);
  while (rig.pushes.length === 0) await settle();
  abort.abort();
  assert.deepEqual(await sending, { kind: "retry", reason: "aborted" });
});

testEngines("a stream that is refused repeatedly is to be retried", async (makeEngine) => {
  await using server = await startH2Server(serverPair, (stream) => {
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  });
  await using rig = createRig(makeEngine);
  await rig.configure({ myiosclient: jwtEntry(server.origin) });
  const outcome = await rig.transport.send(TARGET, MAIL, never);
  assert.deepEqual(outcome, { kind: "retry", reason: "the server refused the stream" });
});

testEngines(
  "the reason of a GOAWAY decides whether a retry makes sense",
  async (makeEngine) => {
    for (const [reason, kind] of [["IdleTimeout", "retry"], ["BadCertificate", "misconfigured"]]) {
      await using server = startRawServer(serverPair, {
        async behave(connection) {
          const debug = JSON.stringify({ reason });
          await connection.write(goaway({ code: 2, lastStream: 0, debug }));
        },
      });
      await using rig = createRig(makeEngine);
      await rig.configure({ myiosclient: jwtEntry(server.origin) });
      const outcome = await rig.transport.send(TARGET, MAIL, never);
      assert.equal(outcome.kind, kind);
      assert.match((outcome as { reason: string }).reason, new RegExp(reason!));
    }
  },
);

testEngines(
  "a broken connection is to be retried after a second",
  async (makeEngine) => {
    await using server = startRawServer(serverPair, { behave: close });
    await using rig = createRig(makeEngine);
    await rig.configure({ myiosclient: jwtEntry(server.origin) });
    const outcome = await rig.transport.send(TARGET, MAIL, never);
    assert.ok(outcome.kind === "retry");
    assert.equal(outcome.afterMs, 1000);
  },
);

testEngines("a redirect is not followed", async (makeEngine) => {
  let reached = false;
  await using elsewhere = await startApns(() => (reached = true, OK));
  await using server = await startH2Server(serverPair, (stream) => {
    stream.respond({ ":status": 307, location: `${elsewhere.origin}/3/device/x` });
    stream.end();
  });
  await using rig = createRig(makeEngine);
  await rig.configure({ myiosclient: jwtEntry(server.origin) });
  assert.equal((await rig.transport.send(TARGET, MAIL, never)).kind, "misconfigured");
  assert.equal(reached, false);
});

testEngines("what APNs would refuse is not sent at all", async (makeEngine) => {
  await using rig = await rigAt(makeEngine, () => OK);
  const message = { ...MAIL, extra: { "push-type": "background", priority: 10 } };
  const outcome = await rig.transport.send(TARGET, message, never);
  assert.equal(outcome.kind, "rejected");
  assert.equal(rig.pushes.length, 0);
});

testEngines(
  "a push carries the provider token that nodes share, by a name that is not secret",
  async (makeEngine) => {
    const asked: string[] = [];
    const sharedTokens: SharedTokens = {
      get(name, { secret }) {
        asked.push(name, secret);
        const madeAt = Date.UTC(2026, 0, 1);
        return Promise.resolve({ value: "theirs", madeAt, expiresAt: madeAt + 3_540_000 });
      },
    };
    await using apns = await startApns(() => OK);
    await using rig = createRig(makeEngine, { sharedTokens });
    await rig.configure({ myiosclient: jwtEntry(apns.origin) });
    assert.equal((await rig.transport.send(TARGET, MAIL, never)).kind, "sent");
    assert.equal(apns.pushes[0]?.headers.authorization, "bearer theirs");
    assert.equal(asked[0], "apn TEAM123456 ABC1234567");
    assert.equal(asked[1]!.length, 43);
  },
);
