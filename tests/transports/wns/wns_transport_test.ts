/** Whole sends to fakes of Microsoft's servers, over TLS on loopback. */

import assert from "node:assert/strict";
import { FakeClock } from "../../support/fake_clock.ts";
import { createWnsTransport, type WnsOptions } from "../../../transports/wns/mod.ts";
import {
  mailMessage,
  realDeps,
  type SeenRequest,
  startProvider,
  targetOf,
} from "../gcm/fake_provider.ts";
import { makeCertificate } from "../../support/certificate.ts";

const certificate = await makeCertificate();
const FILES = { "/ca.pem": certificate.cert };
const never = new AbortController().signal;

function received(): Response {
  return new Response(null, { headers: { "X-WNS-Status": "received", "X-WNS-Msg-ID": "id-1" } });
}

function startMicrosoft(push: (request: SeenRequest) => Response | Promise<Response>) {
  let minted = 0;
  return startProvider(certificate, (request) => {
    if (request.path !== "/token") return push(request);
    const access_token = `token-${++minted}`;
    return Response.json({ access_token, token_type: "Bearer", expires_in: "86399" });
  });
}

async function configured(host: string, more: Partial<WnsOptions> = {}) {
  const transport = createWnsTransport(realDeps(FILES));
  const faults = await transport.configure(
    new Map<string, WnsOptions>([["app", {
      sid: "S-1-15-2-1",
      secret: "hush",
      tokenaddress: `https://${host}/token`,
      hosts: [host],
      cafile: "/ca.pem",
      ...more,
    }]]),
  );
  assert.deepEqual(faults, []);
  return transport;
}

Deno.test("wns posts a toast to the channel with the token it was granted", async () => {
  await using microsoft = startMicrosoft(received);
  await using transport = await configured(microsoft.host);
  const channel = `https://${microsoft.host}/channel/1`;
  assert.equal(transport.parseAddress("app", channel), channel);
  const outcome = await transport.send(targetOf("wns", channel), mailMessage(), never);
  assert.deepEqual(outcome, { kind: "sent", providerId: "id-1" });
  const [asked, push] = microsoft.seen;
  assert.equal(new URLSearchParams(asked?.body).get("client_id"), "ms-app://S-1-15-2-1");
  assert.equal(push?.path, "/channel/1");
  assert.equal(push?.headers.get("authorization"), "Bearer token-1");
  assert.equal(push?.headers.get("x-wns-type"), "wns/toast");
  assert.match(push!.body, /^<toast /);
});

Deno.test("wns sends bodies with their length, never in chunks", async () => {
  await using microsoft = startMicrosoft(received);
  await using transport = await configured(microsoft.host, { type: "raw" });
  const channel = `https://${microsoft.host}/channel/1`;
  await transport.send(targetOf("wns", channel), mailMessage({ body: "ä".repeat(4000) }), never);
  const push = microsoft.seen[1]!;
  const bytes = new TextEncoder().encode(push.body).length;
  assert.equal(push.headers.get("content-length"), `${bytes}`);
  assert.equal(push.headers.get("transfer-encoding"), null);
  assert.ok(bytes <= 5000);
});

Deno.test("wns asks for one access token however many messages wait for it", async () => {
  await using microsoft = startMicrosoft(received);
  await using transport = await configured(microsoft.host);
  const channel = `https://${microsoft.host}/channel/1`;
  const outcomes = await Promise.all(
    Array.from(
      { length: 100 },
      () => transport.send(targetOf("wns", channel), mailMessage(), never),
    ),
  );
  assert.ok(outcomes.every((outcome) => outcome.kind === "sent"));
  assert.equal(microsoft.seen.filter(({ path }) => path === "/token").length, 1);
});

Deno.test("wns renews a refused access token once, and gives up at the second refusal", async () => {
  await using microsoft = startMicrosoft(({ path, headers }) =>
    path === "/channel/1" && headers.get("authorization") !== "Bearer token-1"
      ? received()
      : new Response(null, { status: 401 })
  );
  await using transport = await configured(microsoft.host);
  const send = (path: string) =>
    transport.send(targetOf("wns", `https://${microsoft.host}${path}`), mailMessage(), never);
  assert.equal((await send("/channel/1")).kind, "sent");
  assert.equal(microsoft.seen.length, 4);
  assert.equal((await send("/channel/2")).kind, "misconfigured");
  assert.equal(microsoft.seen.filter(({ path }) => path === "/channel/2").length, 2);
});

Deno.test("a 403 ends the channel only where the credential works for others", async () => {
  await using microsoft = startMicrosoft(({ path }) =>
    path === "/channel/own" ? received() : new Response(null, { status: 403 })
  );
  await using transport = await configured(microsoft.host);
  const send = (path: string) =>
    transport.send(targetOf("wns", `https://${microsoft.host}${path}`), mailMessage(), never);
  assert.equal((await send("/channel/foreign")).kind, "misconfigured");
  assert.equal((await send("/channel/own")).kind, "sent");
  assert.deepEqual(await send("/channel/foreign"), { kind: "gone", reason: "403" });
});

Deno.test("wns calls no channel outside the allowed hosts, even a stored one", async () => {
  await using microsoft = startMicrosoft(received);
  await using transport = await configured(microsoft.host, { hosts: ["push.example"] });
  const channel = `https://${microsoft.host}/channel/1`;
  const outcome = await transport.send(targetOf("wns", channel), mailMessage(), never);
  assert.deepEqual(outcome, {
    kind: "rejected",
    reason: "the channel address: its host is not allowed",
  });
  assert.equal(microsoft.seen.length, 0);
});

Deno.test("wns follows no redirect", async () => {
  await using microsoft = startMicrosoft(({ path }) =>
    path === "/elsewhere"
      ? received()
      : Response.redirect(`https://${microsoft.host}/elsewhere`, 308)
  );
  await using transport = await configured(microsoft.host);
  const channel = `https://${microsoft.host}/channel/1`;
  const outcome = await transport.send(targetOf("wns", channel), mailMessage(), never);
  assert.deepEqual(outcome, { kind: "rejected", reason: "308" });
  assert.ok(!microsoft.seen.some(({ path }) => path === "/elsewhere"));
});

Deno.test("wns gives up on a server that hangs, and retries the message later", async () => {
  const clock = new FakeClock();
  const hanging = Promise.withResolvers<void>();
  await using transport = createWnsTransport({
    ...realDeps({}),
    clock,
    fetch: (_url, init) => {
      if (String(init?.body).startsWith("grant_type=")) {
        return Promise.resolve(Response.json({ access_token: "t" }));
      }
      hanging.resolve();
      return new Promise((_, reject) =>
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason))
      );
    },
  });
  await transport.configure(new Map([["app", { sid: "s", secret: "hush" }]]));
  const channel = "https://db5p.notify.windows.com/?token=x";
  const outcome = transport.send(targetOf("wns", channel), mailMessage(), never);
  await hanging.promise;
  await clock.advance(15_000);
  assert.deepEqual(await outcome, {
    kind: "retry",
    reason: "no answer within 15000 ms",
    afterMs: 10_000,
  });
});

Deno.test("wns never shows its secret, whatever a token endpoint answers", async () => {
  const echo = ({ body }: SeenRequest) =>
    Response.json({ error: "invalid_client", error_description: body }, { status: 400 });
  await using microsoft = startProvider(certificate, echo);
  await using transport = await configured(microsoft.host);
  const channel = `https://${microsoft.host}/channel/1`;
  const outcome = await transport.send(targetOf("wns", channel), mailMessage(), never);
  assert.deepEqual(outcome, {
    kind: "misconfigured",
    reason: "No access token: 400 invalid_client (the id or the secret is wrong)",
  });
});

Deno.test("wns leaves a client out whose hosts or files cannot be used", async () => {
  await using transport = createWnsTransport(realDeps(FILES));
  const faults = await transport.configure(
    new Map<string, WnsOptions>([
      ["good", { sid: "s", secret: "hush" }],
      ["files", { sid: "s", secret: "hush", cafile: "/nowhere.pem" }],
      ["hosts", { sid: "s", secret: "hush", hosts: ["*.*"] }],
    ]),
  );
  assert.deepEqual(faults.map(({ client, file }) => [client, file]), [
    ["files", "/nowhere.pem"],
    ["hosts", undefined],
  ]);
  assert.equal(transport.serves("good"), true);
  assert.equal(transport.serves("hosts"), false);
  assert.ok(!JSON.stringify([faults, transport.status()]).includes("hush"));
});

Deno.test("wns answers for a client that is not configured without a call", async () => {
  await using transport = createWnsTransport(realDeps(FILES));
  const channel = "https://db5p.notify.windows.com/?token=x";
  const outcome = await transport.send(targetOf("wns", channel), mailMessage(), never);
  assert.equal(outcome.kind, "misconfigured");
});
