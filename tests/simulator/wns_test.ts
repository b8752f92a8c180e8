import assert from "node:assert/strict";
import { faultToken } from "../../simulator/fault_script.ts";
import { bareFakes, material, type Raw, read, request } from "./support.ts";

const { sid, secret, tenant, appId, appSecret } = material.wns;
const TOAST = `<?xml version="1.0" encoding="utf-8"?><toast launch="a=1&amp;b=2"><visual>` +
  `<binding template="ToastGeneric"><text>Hello &lt;you&gt;</text><image src="x"/></binding>` +
  `</visual></toast>`;

type Fakes = ReturnType<typeof bareFakes>;

async function askLive(fakes: Fakes, overrides: Record<string, string> = {}) {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: sid,
    client_secret: secret,
    scope: "notify.windows.com",
    ...overrides,
  });
  const raw = { url: "/accesstoken.srf", body: form.toString() };
  return read(await fakes.handlers.wns(request(raw)));
}

async function askEntra(fakes: Fakes, overrides: Record<string, string> = {}, folder = tenant) {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: appId,
    client_secret: appSecret,
    scope: "https://wns.windows.com/.default",
    ...overrides,
  });
  const raw = { url: `/${folder}/oauth2/v2.0/token`, body: form.toString() };
  return read(await fakes.handlers.wns(request(raw)));
}

/** Sends a valid toast with some parts overridden. */
async function send(raw: Partial<Raw> = {}, channel = "chan1", fakes = bareFakes()) {
  const { body } = await askLive(fakes);
  const bytes = typeof raw.body === "string" ? new TextEncoder().encode(raw.body) : raw.body;
  const answer = await fakes.handlers.wns(request({
    url: `/w/?token=${encodeURIComponent(channel)}`,
    body: TOAST,
    ...raw,
    headers: {
      authorization: `Bearer ${body.access_token}`,
      "x-wns-type": "wns/toast",
      "content-type": "text/xml",
      "content-length": String(bytes?.length ?? TOAST.length),
      ...raw.headers,
    },
  }));
  return { ...read(answer), fakes };
}

Deno.test("WNS: both token endpoints issue tokens, in their own form", async () => {
  const fakes = bareFakes();
  const live = await askLive(fakes);
  assert.deepEqual([live.body.token_type, live.body.expires_in], ["bearer", 86_400]);
  const entra = await askEntra(fakes);
  assert.deepEqual([entra.body.token_type, entra.body.expires_in], ["Bearer", "86400"]);
  for (const { access_token: token } of [live.body, entra.body]) {
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await send({ headers }, "c", fakes)).status, 200);
  }
});

Deno.test("WNS: the token endpoints refuse invalid requests", async () => {
  const fakes = bareFakes();
  const answers = [
    await askLive(fakes, { client_secret: "x" }),
    await askLive(fakes, { client_id: sid.replace("ms-app://", "") }),
    await askLive(fakes, { scope: "x" }),
    await askLive(fakes, { grant_type: "password" }),
    await askEntra(fakes, { client_secret: "x" }),
    await askEntra(fakes, { scope: "notify.windows.com" }),
    await askEntra(fakes, {}, "other"),
  ];
  assert.deepEqual(answers.map(({ status, body }) => [status, body.error]), [
    [400, "invalid_client"],
    [400, "invalid_client"],
    [400, "invalid_scope"],
    [400, "unsupported_grant_type"],
    [401, "invalid_client"],
    [400, "invalid_scope"],
    [400, "invalid_request"],
  ]);
});

Deno.test("WNS: a valid toast is accepted", async () => {
  const { status, headers, fakes } = await send({ headers: { "ms-cv": "abc.1" } });
  assert.equal(status, 200);
  assert.equal(headers["x-wns-status"], "received");
  assert.equal(headers["x-wns-deviceconnectionstatus"], "connected");
  assert.equal(headers["ms-cv"], "abc.1");
  const [arrival] = fakes.received.list();
  assert.deepEqual([arrival?.token, arrival?.payload], ["chan1", TOAST]);
});

const refusals: readonly (readonly [string, number, Partial<Raw>])[] = [
  ["another method", 405, { method: "PUT" }],
  ["an unknown token", 401, { headers: { authorization: "Bearer x" } }],
  ["no token", 401, { headers: { authorization: undefined } }],
  ["another path", 404, { url: "/x" }],
  ["no type", 400, { headers: { "x-wns-type": undefined } }],
  ["an unknown type", 400, { headers: { "x-wns-type": "wns/shout" } }],
  ["a type that does not fit the content type", 400, { headers: { "x-wns-type": "wns/raw" } }],
  ["a chunked body", 400, { headers: { "transfer-encoding": "chunked" } }],
  ["no length", 400, { headers: { "content-length": undefined } }],
  ["a tag of 17 characters", 400, { headers: { "x-wns-tag": "a".repeat(17) } }],
  ["a tag with a dash", 400, { headers: { "x-wns-tag": "a-b" } }],
  ["a group with a blank", 400, { headers: { "x-wns-group": "a b" } }],
  ["an unknown priority", 400, { headers: { "x-wns-priority": "5" } }],
  ["an unknown cache policy", 400, { headers: { "x-wns-cache-policy": "maybe" } }],
  ["a ttl that is no number", 400, { headers: { "x-wns-ttl": "-1" } }],
  ["ttl 0 with the default policy", 400, { headers: { "x-wns-ttl": "0" } }],
  ["a suppressed popup", 400, { headers: { "x-wns-suppresspopup": "true" } }],
  ["a match", 400, { headers: { "x-wns-match": "type:all" } }],
  ["an empty body", 400, { body: "" }],
  ["XML of another kind", 400, { body: "<tile/>" }],
  ["XML with an open tag", 400, { body: "<toast><visual></toast>" }],
  ["XML with a bare ampersand", 400, { body: "<toast><text>a & b</text></toast>" }],
  ["XML with a bare less-than", 400, { body: "<toast><text>a < b</text></toast>" }],
  ["two roots", 400, { body: "<toast/><toast/>" }],
  ["more than 5000 bytes", 413, { body: `<toast>${"x".repeat(5000)}</toast>` }],
];
for (const [what, status, raw] of refusals) {
  Deno.test(`WNS: refuses ${what}`, async () => {
    const answer = await send(raw);
    assert.equal(answer.status, status);
    assert.ok(answer.headers["x-wns-error-description"]);
    assert.equal(answer.headers["x-wns-status"], "dropped");
  });
}

Deno.test("WNS: ttl 0 with no-cache is accepted, and so is a raw one", async () => {
  const uncached = { "x-wns-ttl": "0", "x-wns-cache-policy": "no-cache" };
  assert.equal((await send({ headers: uncached })).status, 200);
  const raw = {
    "x-wns-ttl": "0",
    "x-wns-type": "wns/raw",
    "content-type": "application/octet-stream",
  };
  assert.equal((await send({ headers: raw, body: "anything" })).status, 200);
});

for (
  const [script, status, word] of [
    ["gone", 410, "dropped"],
    ["404", 404, "dropped"],
    ["406 retry 60 s", 406, "dropped"],
    ["200 dropped", 200, "dropped"],
    ["200 channelthrottled", 200, "channelthrottled"],
  ] as const
) {
  Deno.test(`WNS: '${script}' is ${status} ${word}`, async () => {
    const { status: answered, headers } = await send({}, faultToken(script, "1"));
    assert.deepEqual([answered, headers["x-wns-status"]], [status, word]);
  });
}

Deno.test("WNS: a throttled answer says how long to wait", async () => {
  const { headers } = await send({}, faultToken("406 retry 60 s", "1"));
  assert.equal(headers["retry-after"], "60");
});
