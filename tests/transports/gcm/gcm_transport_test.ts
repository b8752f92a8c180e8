/** Whole sends to fakes of Google's servers, over TLS on loopback. */

import assert from "node:assert/strict";
import { ServiceError } from "../../../core/errors.ts";
import type { SharedTokens } from "../../../core/shared_tokens.ts";
import { createGcmTransport } from "../../../transports/gcm/mod.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { testEngines } from "../http/_engines.ts";
import {
  account,
  configured,
  configuredLegacy,
  gcmDeps,
  never,
  refused,
  sent,
  startGoogle,
} from "./_google.ts";
import { mailMessage, targetOf } from "./fake_provider.ts";

testEngines(
  "gcm sends to FCM v1 with the token it was granted for its assertion",
  async (makeEngine) => {
    await using google = startGoogle(sent);
    await using transport = await configured(makeEngine, google.origin);
    const outcome = await transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
    assert.deepEqual(outcome, { kind: "sent", providerId: "projects/demo-project/messages/1" });
    const [asked, push] = google.seen;
    const form = new URLSearchParams(asked?.body);
    assert.equal(form.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert.equal(form.get("assertion")?.split(".").length, 3);
    assert.equal(push?.path, "/v1/projects/demo-project/messages:send");
    assert.equal(push?.headers.get("authorization"), "Bearer token-1");
    assert.equal(push?.headers.get("content-type"), "application/json");
    assert.equal(JSON.parse(push!.body).message.token, "device-1");
  },
);

testEngines("gcm keeps the path of a base address", async (makeEngine) => {
  await using google = startGoogle(sent);
  await using transport = await configured(makeEngine, google.origin, {
    address: `${google.origin}/fcm/`,
  });
  await transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
  assert.equal(google.seen[1]?.path, "/fcm/v1/projects/demo-project/messages:send");
});

testEngines(
  "gcm asks for one access token however many messages wait for it",
  async (makeEngine) => {
    await using google = startGoogle(sent);
    await using transport = await configured(makeEngine, google.origin);
    const outcomes = await Promise.all(
      Array.from(
        { length: 200 },
        (_, index) => transport.send(targetOf("gcm", `device-${index}`), mailMessage(), never),
      ),
    );
    assert.ok(outcomes.every((outcome) => outcome.kind === "sent"));
    assert.equal(google.seen.filter(({ path }) => path === "/token").length, 1);
  },
);

testEngines(
  "gcm renews a refused access token once and sends the message again",
  async (makeEngine) => {
    await using google = startGoogle(({ headers }) =>
      headers.get("authorization") === "Bearer token-1" ? refused() : sent()
    );
    await using transport = await configured(makeEngine, google.origin);
    const outcomes = await Promise.all(
      Array.from(
        { length: 20 },
        (_, index) => transport.send(targetOf("gcm", `device-${index}`), mailMessage(), never),
      ),
    );
    assert.ok(outcomes.every((outcome) => outcome.kind === "sent"));
    assert.equal(google.seen.filter(({ path }) => path === "/token").length, 2);
  },
);

testEngines("gcm gives up where the new access token is refused, too", async (makeEngine) => {
  await using google = startGoogle(refused);
  await using transport = await configured(makeEngine, google.origin);
  const outcome = await transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
  assert.equal(outcome.kind, "misconfigured");
  assert.equal(google.seen.filter(({ path }) => path !== "/token").length, 2);
  assert.equal(google.seen.filter(({ path }) => path === "/token").length, 2);
});

testEngines("gcm sends nothing where no access token is granted", async (makeEngine) => {
  const denied = () => Response.json({ error: "invalid_grant" }, { status: 400 });
  await using google = startGoogle(sent, denied);
  await using transport = await configured(makeEngine, google.origin);
  const send = () => transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
  assert.equal((await send()).kind, "misconfigured");
  assert.equal((await send()).kind, "misconfigured");
  // The second message got the first answer: the endpoint is not asked again for a while.
  assert.equal(google.seen.length, 1);
});

testEngines(
  "gcm reports a dead token, a throttled project and a broken server as such",
  async (makeEngine) => {
    const answers: Record<string, () => Response> = {
      dead: () =>
        Response.json({
          error: {
            status: "NOT_FOUND",
            details: [{
              "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
              errorCode: "UNREGISTERED",
            }],
          },
        }, { status: 404 }),
      busy: () => new Response("{}", { status: 429, headers: { "retry-after": "70" } }),
      broken: () => new Response("<html>", { status: 502 }),
    };
    await using google = startGoogle(({ body }) => answers[JSON.parse(body).message.token]!());
    await using transport = await configured(makeEngine, google.origin);
    const send = (token: string) => transport.send(targetOf("gcm", token), mailMessage(), never);
    assert.deepEqual(await send("dead"), { kind: "gone", reason: "404 UNREGISTERED" });
    assert.deepEqual(await send("busy"), {
      kind: "retry",
      reason: "429",
      afterMs: 70_000,
      scope: "client",
    });
    assert.deepEqual(await send("broken"), { kind: "retry", reason: "502", afterMs: 10_000 });
  },
);

testEngines("gcm follows no redirect", async (makeEngine) => {
  await using google = startGoogle(({ path }) =>
    path === "/elsewhere" ? sent() : Response.redirect(`${google.origin}/elsewhere`, 307)
  );
  await using transport = await configured(makeEngine, google.origin);
  const outcome = await transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
  assert.equal(outcome.kind, "misconfigured");
  assert.ok(!google.seen.some(({ path }) => path === "/elsewhere"));
});

testEngines(
  "gcm gives up on a server that hangs, and retries the message later",
  async (makeEngine) => {
    const clock = new FakeClock();
    const hanging = Promise.withResolvers<void>();
    const release = Promise.withResolvers<Response>();
    await using google = startGoogle(() => {
      hanging.resolve();
      return release.promise;
    });
    await using transport = await configured(makeEngine, google.origin, { clock });
    const outcome = transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
    await hanging.promise;
    await clock.advance(15_000);
    release.resolve(sent());
    const { kind, ...rest } = await outcome;
    assert.equal(kind, "retry");
    assert.deepEqual(rest, { reason: "no answer within 15000 ms", afterMs: 10_000 });
  },
);

testEngines("gcm ends an aborted attempt", async (makeEngine) => {
  const abort = new AbortController();
  await using google = startGoogle(() => {
    abort.abort();
    return sent();
  });
  await using transport = await configured(makeEngine, google.origin);
  const outcome = await transport.send(targetOf("gcm", "device-1"), mailMessage(), abort.signal);
  assert.equal(outcome.kind, "retry");
});

testEngines("gcm speaks plain HTTP to a fake whose address says so", async (makeEngine) => {
  const answers = [{ access_token: "t", expires_in: 3599 }, { name: "projects/p/messages/1" }];
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => Response.json(answers.shift()),
  );
  const origin = `http://127.0.0.1:${server.addr.port}`;
  await using transport = await configured(makeEngine, origin);
  const outcome = await transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
  assert.equal(outcome.kind, "sent");
});

testEngines(
  "gcm does not trust a server whose issuer is not configured",
  async (makeEngine) => {
    await using google = startGoogle(sent);
    const transport = createGcmTransport(gcmDeps(makeEngine));
    await using _ = transport;
    const { origin } = google;
    await transport.configure(
      new Map([["app", { key: "AIza", address: `${origin}/send` }]]),
    );
    const outcome = await transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
    assert.equal(outcome.kind, "misconfigured");
    assert.equal(google.seen.length, 0);
  },
);

testEngines(
  "gcm speaks the legacy format with a server key and reports canonical ids",
  async (makeEngine) => {
    await using google = startGoogle(({ body }) =>
      Response.json({
        results: [
          JSON.parse(body).to === "old"
            ? { message_id: "0:1", registration_id: "newer" }
            : { message_id: "0:2", registration_id: "not a token" },
        ],
      })
    );
    await using transport = await configuredLegacy(makeEngine, `${google.origin}/fcm/send`);
    const send = (token: string) => transport.send(targetOf("gcm", token), mailMessage(), never);
    assert.deepEqual(await send("old"), { kind: "sent", providerId: "0:1", newToken: "newer" });
    assert.deepEqual(await send("other"), { kind: "sent", providerId: "0:2" });
    assert.equal(google.seen[0]?.path, "/fcm/send");
    assert.equal(google.seen[0]?.headers.get("authorization"), "key=AIza");
  },
);

testEngines("gcm explains that Google has shut the legacy endpoint", async (makeEngine) => {
  await using google = startGoogle(() => new Response("<html>", { status: 404 }));
  await using transport = await configuredLegacy(makeEngine, `${google.origin}/fcm/send`);
  const outcome = await transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
  assert.ok(outcome.kind === "misconfigured");
  assert.match(outcome.reason, /shut the legacy API in 2024/);
});

testEngines(
  "gcm warns of a server key that points at the endpoint that Google has shut",
  async (makeEngine) => {
    await using transport = createGcmTransport(gcmDeps(makeEngine));
    await transport.configure(new Map([["app", { key: "AIza" }]]));
    const [status] = transport.status();
    assert.equal(status?.ready, true);
    assert.match(status?.detail ?? "", /shut the legacy API/);
  },
);

testEngines(
  "gcm takes registration tokens of visible ASCII and nothing else",
  async (makeEngine) => {
    await using transport = createGcmTransport(gcmDeps(makeEngine));
    const good = ["a", "APA91b:x_-", "t".repeat(4096)];
    for (const token of good) assert.equal(transport.parseAddress("app", token), token);
    const bad = ["", "t".repeat(4097), "a b", " a", "a\n", "ä", "a\u0000", 7, null, undefined, {}];
    for (const token of bad) {
      assert.throws(
        () => transport.parseAddress("app", token),
        (error) => error instanceof ServiceError && error.code === "invalid_token",
      );
    }
  },
);

testEngines(
  "gcm sends with the access token that nodes share, by a name that is not secret",
  async (makeEngine) => {
    const asked: string[] = [];
    const sharedTokens: SharedTokens = {
      get(name, { secret }) {
        asked.push(name, secret);
        const madeAt = Date.now();
        return Promise.resolve({ value: "theirs", madeAt, expiresAt: madeAt + 3_600_000 });
      },
    };
    await using google = startGoogle(sent);
    await using transport = await configured(makeEngine, google.origin, { sharedTokens });
    await transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
    assert.deepEqual(google.seen.map(({ path }) => path), [
      "/v1/projects/demo-project/messages:send",
    ]);
    assert.equal(google.seen[0]?.headers.get("authorization"), "Bearer theirs");
    const { client_email, private_key } = JSON.parse(account.json);
    assert.equal(asked[0], `gcm ${client_email} ${google.origin}/token`);
    assert.equal(asked[1]!.length, 43);
    assert.ok(!private_key.includes(asked[1]));
  },
);
