/** Whole sends over real HTTP/2: what the server sees, and what comes of its answers. */

import assert from "node:assert/strict";
import http2 from "node:http2";
import { decodeProtectedHeader, jwtVerify } from "jose";
import type { SharedTokens } from "../../../core/shared_tokens.ts";
import { apnOptionsSchema } from "../../../transports/apn/mod.ts";
import { settle } from "../../support/fake_clock.ts";
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

/** A transport with one client at a server that answers as told. */
async function rigAt(answer: (push: Push) => Answer, extra: Record<string, unknown> = {}) {
  const server = await startApns(answer);
  const rig = createRig();
  assert.deepEqual(await rig.configure({ myiosclient: jwtEntry(server.origin, extra) }), []);
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

Deno.test("a push reaches APNs with its path, headers, body and a valid token", async () => {
  await using rig = await rigAt(() => OK);
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
});

Deno.test("many pushes share one connection and one provider token", async () => {
  await using rig = await rigAt(() => OK);
  const outcomes = await Promise.all(Array.from({ length: 300 }, () => rig.send()));
  assert.ok(outcomes.every(({ kind }) => kind === "sent"));
  assert.equal(new Set(rig.pushes.map(({ session }) => session)).size, 1);
  assert.equal(new Set(rig.pushes.map(({ headers }) => headers.authorization)).size, 1);
});

Deno.test("a client with a keystore shows its certificate and sends no token", async () => {
  const push = await makePushCertificate();
  await using server = await startApns(() => OK, {
    requestCert: true,
    rejectUnauthorized: true,
    ca: push.cert,
  });
  await using rig = createRig();
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
});

Deno.test("a certificate that APNs does not take is a misconfiguration", async () => {
  const other = await makePushCertificate();
  await using server = await startApns(() => OK, {
    requestCert: true,
    rejectUnauthorized: true,
    ca: other.cert,
  });
  await using rig = createRig();
  await rig.configure({ myiosclient: jwtEntry(server.origin) });
  const outcome = await rig.transport.send(TARGET, MAIL, never);
  assert.ok(outcome.kind === "misconfigured");
  assert.match(outcome.reason, /client certificate/);
});

Deno.test("a key that the connection does not know is tried again on a new one", async () => {
  await using rig = await rigAt(({ session }) =>
    session === 1 ? { status: 403, reason: "UnrelatedKeyIdInToken" } : OK
  );
  assert.equal((await rig.send()).kind, "sent");
  assert.deepEqual(rig.pushes.map(({ session }) => session), [1, 2]);
});

Deno.test("a key that no connection knows is a misconfiguration after the second try", async () => {
  await using rig = await rigAt(() => ({ status: 403, reason: "UnrelatedKeyIdInToken" }));
  const outcome = await rig.send();
  assert.deepEqual(outcome, { kind: "misconfigured", reason: "UnrelatedKeyIdInToken" });
  assert.equal(rig.pushes.length, 2);
});

Deno.test("connections are not renewed again and again", async () => {
  await using rig = await rigAt(() => ({ status: 403, reason: "UnrelatedKeyIdInToken" }));
  for (let round = 0; round < 5; round++) await rig.send();
  assert.equal(Math.max(...rig.pushes.map(({ session }) => session)), 2);
});

Deno.test("an expired token that may be replaced is replaced, and the push sent again", async () => {
  let refuse = false;
  await using rig = await rigAt(() => {
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
});

Deno.test("a young token that APNs calls expired points to a wrong clock", async () => {
  await using rig = await rigAt(() => ({ status: 403, reason: "ExpiredProviderToken" }));
  const outcome = await rig.send();
  assert.ok(outcome.kind === "misconfigured");
  assert.match(outcome.reason, /clock/);
  assert.equal(rig.pushes.length, 1);
});

Deno.test("too many tokens: the same one goes over another connection", async () => {
  await using rig = await rigAt(({ session }) =>
    session === 1 ? { status: 429, reason: "TooManyProviderTokenUpdates" } : OK
  );
  assert.equal((await rig.send()).kind, "sent");
  assert.equal(new Set(rig.pushes.map(({ headers }) => headers.authorization)).size, 1);
});

Deno.test("too many tokens on every connection: the client waits 20 minutes", async () => {
  await using rig = await rigAt(() => ({ status: 429, reason: "TooManyProviderTokenUpdates" }));
  assert.deepEqual(await rig.send(), {
    kind: "retry",
    reason: "TooManyProviderTokenUpdates",
    afterMs: 20 * MINUTE,
    scope: "client",
  });
  assert.equal(rig.pushes.length, 2);
});

Deno.test("a bad token is kept until another of the app was accepted", async () => {
  await using rig = await rigAt(({ path }) =>
    path.endsWith("bad0") ? { status: 400, reason: "BadDeviceToken" } : OK
  );
  assert.equal((await rig.send("bad0")).kind, "rejected");
  assert.match(rig.transport.status()[0]!.detail!, /BadDeviceToken.*check 'production'/);
  assert.equal((await rig.send()).kind, "sent");
  assert.equal(rig.transport.status()[0]!.detail, undefined);
  assert.deepEqual(await rig.send("bad0"), { kind: "gone", reason: "BadDeviceToken" });
});

Deno.test("a server that is going away is tried once more at once", async () => {
  let first = true;
  await using rig = await rigAt(() => {
    const answer = first ? { status: 503, reason: "Shutdown" } : OK;
    first = false;
    return answer;
  });
  assert.equal((await rig.send()).kind, "sent");
});

Deno.test("a server that does not answer is given up after ten seconds", async () => {
  await using rig = await rigAt(() => undefined);
  const sending = rig.send();
  while (rig.pushes.length === 0) await settle();
  await rig.clock.advance(10_000);
  const outcome = await sending;
  assert.ok(outcome.kind === "retry");
  assert.match(outcome.reason, /no answer within 10000 ms/);
});

Deno.test("a send that is given up by its caller is to be tried again", async () => {
  await using rig = await rigAt(() => undefined);
  const abort = new AbortController();
  const sending = rig.transport.send(TARGET, MAIL, abort.signal);
  while (rig.pushes.length === 0) await settle();
  abort.abort();
  assert.deepEqual(await sending, { kind: "retry", reason: "given up" });
});

Deno.test("a stream that is refused for good is to be tried again", async () => {
  await using server = await startH2Server(serverPair, (stream) => {
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  });
  await using rig = createRig();
  await rig.configure({ myiosclient: jwtEntry(server.origin) });
  const outcome = await rig.transport.send(TARGET, MAIL, never);
  assert.deepEqual(outcome, { kind: "retry", reason: "the server refused the stream" });
});

Deno.test("a GOAWAY tells by its reason whether trying again makes sense", async () => {
  for (const [reason, kind] of [["IdleTimeout", "retry"], ["BadCertificate", "misconfigured"]]) {
    await using server = startRawServer(serverPair, {
      async behave(connection) {
        const debug = JSON.stringify({ reason });
        await connection.write(goaway({ code: 2, lastStream: 0, debug }));
      },
    });
    await using rig = createRig();
    await rig.configure({ myiosclient: jwtEntry(server.origin) });
    const outcome = await rig.transport.send(TARGET, MAIL, never);
    assert.equal(outcome.kind, kind);
    assert.match((outcome as { reason: string }).reason, new RegExp(reason!));
  }
});

Deno.test("a connection that breaks is to be tried again, with a second's pause", async () => {
  await using server = startRawServer(serverPair, { behave: close });
  await using rig = createRig();
  await rig.configure({ myiosclient: jwtEntry(server.origin) });
  const outcome = await rig.transport.send(TARGET, MAIL, never);
  assert.ok(outcome.kind === "retry");
  assert.equal(outcome.afterMs, 1000);
});

Deno.test("a redirect is not followed", async () => {
  let reached = false;
  await using elsewhere = await startApns(() => (reached = true, OK));
  await using server = await startH2Server(serverPair, (stream) => {
    stream.respond({ ":status": 307, location: `${elsewhere.origin}/3/device/x` });
    stream.end();
  });
  await using rig = createRig();
  await rig.configure({ myiosclient: jwtEntry(server.origin) });
  assert.equal((await rig.transport.send(TARGET, MAIL, never)).kind, "misconfigured");
  assert.equal(reached, false);
});

Deno.test("what APNs would refuse is not sent at all", async () => {
  await using rig = await rigAt(() => OK);
  const message = { ...MAIL, extra: { "push-type": "background", priority: 10 } };
  const outcome = await rig.transport.send(TARGET, message, never);
  assert.equal(outcome.kind, "rejected");
  assert.equal(rig.pushes.length, 0);
});

Deno.test("a push bears the provider token that nodes share, by a name that is not secret", async () => {
  const asked: string[] = [];
  const sharedTokens: SharedTokens = {
    get(name, { secret }) {
      asked.push(name, secret);
      const madeAt = Date.UTC(2026, 0, 1);
      return Promise.resolve({ value: "theirs", madeAt, expiresAt: madeAt + 3_540_000 });
    },
  };
  await using apns = await startApns(() => OK);
  await using rig = createRig({ sharedTokens });
  await rig.configure({ myiosclient: jwtEntry(apns.origin) });
  assert.equal((await rig.transport.send(TARGET, MAIL, never)).kind, "sent");
  assert.equal(apns.pushes[0]?.headers.authorization, "bearer theirs");
  assert.equal(asked[0], "apn TEAM123456 ABC1234567");
  assert.equal(asked[1]!.length, 43);
});
