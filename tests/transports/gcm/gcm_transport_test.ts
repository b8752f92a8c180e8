/** The whole way of a message to fakes of Google's servers, over TLS on loopback. */

import assert from "node:assert/strict";
import { ServiceError } from "../../../core/errors.ts";
import type { SharedTokens } from "../../../core/shared_tokens.ts";
import { type Clock, systemClock } from "../../../core/clock.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { createGcmTransport, type GcmOptions } from "../../../transports/gcm/mod.ts";
import { makeCertificate } from "../http/_certificate.ts";
import { type MakeEngine, testEngines } from "../http/_engines.ts";
import {
  filesOf,
  mailMessage,
  makeServiceAccount,
  realDeps,
  type SeenRequest,
  startProvider,
  targetOf,
} from "./fake_provider.ts";

const certificate = await makeCertificate();
const account = await makeServiceAccount();
const FILES = { "/ca.pem": certificate.cert, "/account.json": account.json };
const never = new AbortController().signal;

type Answer = (request: SeenRequest) => Response | Promise<Response>;

function sent(): Response {
  return Response.json({ name: "projects/demo-project/messages/1" });
}

function refused(): Response {
  return Response.json({ error: { status: "UNAUTHENTICATED" } }, { status: 401 });
}

/** A provider that mints `token-1`, `token-2` … and lets `push` answer the rest. */
function startGoogle(push: Answer, token?: Answer) {
  let minted = 0;
  return startProvider(certificate, (request) => {
    if (request.path !== "/token") return push(request);
    return token?.(request) ??
      Response.json({ access_token: `token-${++minted}`, expires_in: 3599, token_type: "Bearer" });
  });
}

function gcmDeps(
  makeEngine: MakeEngine,
  files: Record<string, string> = FILES,
  clock: Clock = systemClock,
) {
  return { ...realDeps(files), clock, engine: makeEngine(clock, { connections: 1 }) };
}

async function configured(
  makeEngine: MakeEngine,
  origin: string,
  { sharedTokens, clock, ...more }: Partial<GcmOptions> & {
    readonly sharedTokens?: SharedTokens;
    readonly clock?: Clock;
  } = {},
) {
  const deps = sharedTokens === undefined ? {} : { sharedTokens };
  const transport = createGcmTransport({ ...gcmDeps(makeEngine, FILES, clock), ...deps });
  const faults = await transport.configure(
    new Map([["app", {
      serviceaccount: "/account.json",
      address: origin,
      tokenaddress: `${origin}/token`,
      cafile: "/ca.pem",
      ...more,
    }]]),
  );
  assert.deepEqual(faults, []);
  return transport;
}

async function configuredLegacy(makeEngine: MakeEngine, address: string) {
  const transport = createGcmTransport(gcmDeps(makeEngine));
  await transport.configure(new Map([["app", { key: "AIza", address, cafile: "/ca.pem" }]]));
  return transport;
}

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
  // The second message got the first answer: the endpoint is left in peace for a while.
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
  "gcm gives up on a server that hangs, and tries the message again later",
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

testEngines("gcm ends an attempt that is given up", async (makeEngine) => {
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
  "gcm does not trust a server that no given certificate vouches for",
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

testEngines("gcm says what became of the legacy endpoint", async (makeEngine) => {
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
  "gcm keeps its access token where a new configuration leaves the client as it was",
  async (makeEngine) => {
    await using google = startGoogle(sent);
    await using transport = await configured(makeEngine, google.origin);
    const options: GcmOptions = {
      serviceaccount: "/account.json",
      address: google.origin,
      tokenaddress: `${google.origin}/token`,
      cafile: "/ca.pem",
    };
    const send = () => transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
    await send();
    await transport.configure(new Map([["app", { ...options }], ["other", { key: "AIza" }]]));
    await send();
    assert.equal(google.seen.filter(({ path }) => path === "/token").length, 1);
  },
);

testEngines("gcm reads a service account anew where its file has changed", async (makeEngine) => {
  await using google = startGoogle(sent);
  const files = { ...FILES };
  await using transport = createGcmTransport({
    ...gcmDeps(makeEngine, {}),
    readTextFile: (path) => filesOf(files)(path),
  });
  const options = new Map([["app", {
    serviceaccount: "/account.json",
    address: google.origin,
    tokenaddress: `${google.origin}/token`,
    cafile: "/ca.pem",
  }]]);
  const send = () => transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
  await transport.configure(options);
  await send();
  files["/account.json"] = JSON.stringify({ ...JSON.parse(account.json), project_id: "second" });
  await transport.configure(options);
  await send();
  assert.equal(google.seen.filter(({ path }) => path === "/token").length, 2);
  assert.equal(google.seen.at(-1)?.path, "/v1/projects/second/messages:send");
});

testEngines(
  "gcm names client and file of every bad entry and serves the rest",
  async (makeEngine) => {
    await using transport = createGcmTransport(gcmDeps(makeEngine, {
      ...FILES,
      "/broken.json": "{",
      "/empty.pem": "nothing",
      "/garbage.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    }));
    const faults = await transport.configure(
      new Map<string, GcmOptions>([
        ["good", { key: "AIza" }],
        ["missing", { serviceaccount: "/nowhere.json" }],
        ["broken", { serviceaccount: "/broken.json" }],
        ["noca", { key: "AIza", cafile: "/empty.pem" }],
        ["badca", { key: "AIza", cafile: "/garbage.pem" }],
      ]),
    );
    assert.deepEqual(faults, [
      { client: "missing", file: "/nowhere.json", message: "does not exist" },
      { client: "broken", file: "/broken.json", message: "is not valid JSON" },
      { client: "noca", file: "/empty.pem", message: "holds no PEM certificate" },
      { client: "badca", file: "/garbage.pem", message: "holds a certificate that cannot be read" },
    ]);
    assert.equal(transport.serves("good"), true);
    assert.equal(transport.serves("missing"), false);
    assert.deepEqual(
      transport.status().map(({ client, ready }) => [client, ready]),
      [["badca", false], ["broken", false], ["good", true], ["missing", false], ["noca", false]],
    );
  },
);

for (
  const [error, message] of [
    [new Deno.errors.PermissionDenied(), "may not be read by this service"],
    [new Deno.errors.NotCapable(), "may not be read by this service"],
    [new Deno.errors.IsADirectory(), "cannot be read"],
  ] as const
) {
  testEngines(
    `gcm says of a file that fails with ${error.name} that it ${message}`,
    async (makeEngine) => {
      await using transport = createGcmTransport({
        ...gcmDeps(makeEngine, {}),
        readTextFile: () => Promise.reject(error),
      });
      const faults = await transport.configure(new Map([["app", { serviceaccount: "/a.json" }]]));
      assert.deepEqual(faults, [{ client: "app", file: "/a.json", message }]);
    },
  );
}

testEngines(
  "gcm answers for a client that is not configured without a call",
  async (makeEngine) => {
    await using transport = createGcmTransport(gcmDeps(makeEngine));
    const outcome = await transport.send(targetOf("gcm", "device-1"), mailMessage(), never);
    assert.equal(outcome.kind, "misconfigured");
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
