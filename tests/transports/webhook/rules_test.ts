import assert from "node:assert/strict";
import { readWebhookSignature, webhookSignatureHeader } from "../../../core/webhook_signature.ts";
import { parseClientOptions } from "../../../cascade/mod.ts";
import { readWebhookAnswer } from "../../../transports/webhook/answers.ts";
import { renderWebhook } from "../../../transports/webhook/payload.ts";
import { webhookOptionsSchema } from "../../../transports/webhook/settings.ts";
import { addressFault, webhookAddress } from "../../../transports/webhook/uri_rules.ts";

const CONFIGURED = "https://hooks.example.com:8443/ox/event";

Deno.test("a webhook's address is validated as its mode says", () => {
  const cases = [
    ["prefix", undefined, true],
    ["prefix", CONFIGURED, true],
    ["prefix", `${CONFIGURED}/more?a=b`, true],
    ["prefix", "https://hooks.example.com/ox/event", false],
    ["prefix", "http://hooks.example.com:8443/ox/event", false],
    ["prefix", "https://hooks.example.com:8443/ox", false],
    ["prefix", "https://hooks.example.com:8443/ox/event/../../admin", false],
    ["prefix", "https://hooks.example.com:8443@evil.net/ox/event", false],
    ["prefix", "https://evil.net/ox/event", false],
    ["exact", CONFIGURED, true],
    ["exact", `${CONFIGURED}/`, false],
    ["none", "https://anywhere.example.net/x", true],
    ["none", "https://anywhere.example.net:22/x", false],
    ["none", "ftp://anywhere.example.net/x", false],
    ["none", "https://user:pw@anywhere.example.net/", false],
    ["none", "not an address", false],
  ] as const;
  for (const [uriValidationMode, named, ok] of cases) {
    const read = webhookAddress({ uri: CONFIGURED, uriValidationMode }, named);
    assert.equal(read.ok, ok, `${uriValidationMode} ${named}`);
  }
});

Deno.test("where no port is configured, none other than the protocol's own is reached", () => {
  const options = { uri: "https://hooks.example.com/ox", uriValidationMode: "prefix" } as const;
  assert.equal(webhookAddress(options, "https://hooks.example.com:443/ox/1").ok, true);
  assert.equal(webhookAddress(options, "https://hooks.example.com:8080/ox/1").ok, false);
});

Deno.test("addresses of the own network are refused unless they are allowed", () => {
  const rules = { httpsOnly: true, allowLocal: false };
  const local = [
    "https://127.0.0.1/x",
    "https://10.1.2.3/x",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://0x7f.1/x",
    "https://2130706433/x",
    "https://middleware/x",
    "https://redis.internal/x",
  ];
  for (const uri of local) {
    assert.notEqual(addressFault(uri, rules), undefined, uri);
    assert.equal(addressFault(uri, { ...rules, allowLocal: true }), undefined, uri);
  }
  assert.equal(addressFault("https://hooks.example.com/x", rules), undefined);
  assert.match(addressFault("http://hooks.example.com/x", rules)!, /https/);
});

Deno.test("a body has the original's form", () => {
  const message = { topic: "ox:mail:new", data: { folder: "INBOX" }, sourceToken: "s" };
  const body = renderWebhook(message, { user: "3", context: "1" }, { timestamp: 7 });
  const expected = '{"event":"ox:mail:new","payload":{"folder":"INBOX","user":3,"context":1,' +
    '"sourceToken":"s"},"timestamp":7}';
  assert.equal(body, expected);
  const named = renderWebhook(
    { topic: "a", data: { user: "forged" } },
    { user: "jane", context: "007" },
    { timestamp: 7 },
  );
  assert.match(named!, /"user":"jane","context":"007"/);
  const large = { topic: "a", data: { text: "x".repeat(70_000) } };
  assert.equal(renderWebhook(large, { user: "3", context: "1" }, { timestamp: 7 }), undefined);
});

Deno.test("a signature has the original's form", () => {
  const body = '{"event":"a"}';
  const header = webhookSignatureHeader("secret", { version: "1", timestamp: 7, body });
  // echo -n 'v1:7:{"event":"a"}' | openssl dgst -sha256 -hmac secret
  const hex = "a663cba8077561cdce23485a5c0f9c10d83eeeaf0222c9b002ac8b0529d51098";
  assert.equal(header, `t=7, v1=${hex}`);
  assert.deepEqual(readWebhookSignature(header), { timestamp: 7, version: "1", hex });
});

Deno.test("answers mean what the original takes them for, and otherwise are tried again", () => {
  const context = { nowMs: 0, ownCredential: false };
  const answer = (status: number, headers: Record<string, string> = {}) =>
    readWebhookAnswer({ status, headers: new Headers(headers) }, context);
  const kinds = [200, 204, 403, 404, 405, 400, 302, 401, 500, 503, 429]
    .map((status) => `${status} ${answer(status).kind}`);
  assert.deepEqual(kinds, [
    ...["200 sent", "204 sent", "403 gone", "404 gone", "405 gone", "400 rejected"],
    ...["302 rejected", "401 misconfigured", "500 retry", "503 retry", "429 retry"],
  ]);
  assert.deepEqual(answer(429, { "retry-after": "30" }), {
    ...{ kind: "retry", reason: "the receiver answered 429", afterMs: 30_000 },
  });
  const own = readWebhookAnswer({ status: 401, headers: new Headers() }, {
    ...context,
    ownCredential: true,
  });
  assert.equal(own.kind, "rejected");
});

Deno.test("webhooks.yml is read with the original's names and defaults", () => {
  const text = `
full:
    uri: https://my.endpoint.com:8080/webhook/event
    uriValidationMode: EXACT
    webhookSecret: 0123
    signatureSecret: 1e3
    version: 2
    signatureHeaderName: X-OX-Signature
    maxTimeToLiveMillis: 2_678_400_000
    maxNumberOfSubscriptionsPerUser: 2
    allowSharedUri: off
    unheardOf: 1
plain:
    uri: https://my.endpoint.com/
without:
    webhookSecret: x
free:
    uriValidationMode: none
off:
    enabled: no
    uri: https://my.endpoint.com/
`;
  const { clients, faults } = parseClientOptions({ file: "f", text }, webhookOptionsSchema);
  assert.deepEqual([...clients.keys()], ["full", "plain", "free"]);
  assert.deepEqual(clients.get("full"), {
    uri: "https://my.endpoint.com:8080/webhook/event",
    uriValidationMode: "exact",
    ...{ webhookSecret: "0123", signatureSecret: "1e3", version: "2" },
    signatureHeaderName: "X-OX-Signature",
    maxTimeToLiveMillis: 2_678_400_000,
    ...{ maxNumberOfSubscriptionsPerUser: 2, allowSharedUri: false },
  });
  assert.deepEqual(clients.get("plain"), {
    uri: "https://my.endpoint.com/",
    ...{ uriValidationMode: "prefix", version: "1", maxTimeToLiveMillis: 0 },
    ...{ maxNumberOfSubscriptionsPerUser: 0, allowSharedUri: true },
  });
  assert.match(faults[0]!.message, /client 'without'.*'uri' is missing/);
});
