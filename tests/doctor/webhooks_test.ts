/** Receivers of webhooks that are wrong on purpose, and one that is sound. */

import assert from "node:assert/strict";
import type { ExamineOptions } from "../../doctor/examine.ts";
import type { Finding } from "../../doctor/finding.ts";
import { freePort } from "../support/free_port.ts";
import { assertFinds, folderWith, startSetUp } from "./_set_up.ts";

const SECRET = "4f1c2b3a".repeat(4);
const ENABLED = "com.openexchange.webhooks.enabledIds=crm\n";
/** A receiver on this machine may be called. */
const LOCAL = `${ENABLED}com.openexchange.pns.transport.webhooks.httpsOnly=false\n` +
  "com.openexchange.pns.transport.webhooks.allowLocalWebhooks=true\n";

/** Examines a folder with one receiver, `crm`. */
async function withReceiver(
  entry: Readonly<Record<string, string>>,
  { properties = ENABLED, changed = {} }: {
    readonly properties?: string;
    readonly changed?: Partial<ExamineOptions>;
  } = {},
): Promise<readonly Finding[]> {
  await using setUp = await startSetUp();
  const lines = Object.entries(entry).map(([name, value]) => `  ${name}: ${value}\n`).join("");
  const folder = await folderWith({
    "a.properties": properties,
    "webhooks.yml": `crm:\n${lines}`,
  });
  try {
    const found = await setUp.examine({ folder, ...changed });
    const shown = JSON.stringify(found);
    assert.ok(!shown.includes(SECRET) && !shown.includes("/hooks/"), shown);
    return found;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A receiver that notes what it is asked, and answers with a status. */
function startReceiver(status: number) {
  const asked: { readonly method: string; readonly credential: string | null }[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    asked.push({ method: request.method, credential: request.headers.get("authorization") });
    return new Response(null, { status, headers: { location: "https://elsewhere.example.com/" } });
  });
  return {
    asked,
    uri: `http://127.0.0.1:${server.addr.port}/hooks/ox`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("the doctor is silent on a sound receiver, which it asks for nothing", async () => {
  await using receiver = startReceiver(405);
  const entry = {
    ...{ uri: receiver.uri, webhookSecret: `Bearer ${SECRET}` },
    ...{ signatureSecret: SECRET, signatureHeaderName: "X-OX-Signature" },
  };
  const found = await withReceiver(entry, { properties: LOCAL, changed: { dryRun: true } });
  assert.deepEqual(found, []);
  assert.deepEqual(receiver.asked, [{ method: "OPTIONS", credential: null }]);
});

Deno.test("without a dry run no receiver is asked", async () => {
  await using receiver = startReceiver(500);
  const entry = { uri: receiver.uri, webhookSecret: SECRET };
  assert.deepEqual(await withReceiver(entry, { properties: LOCAL }), []);
  assert.deepEqual(receiver.asked, []);
});

Deno.test("the middleware's webhook that leads to this service is none to look at", async () => {
  await using setUp = await startSetUp();
  const folder = await folderWith({
    "webhooks.yml": "switchboard:\n  uri: https://carillon.example.com/v1/open-xchange/webhook\n",
  });
  try {
    assert.deepEqual(await setUp.examine({ folder, dryRun: true }), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a receiver that does not answer is an error", async () => {
  const entry = { uri: `http://127.0.0.1:${freePort()}/hooks/ox`, webhookSecret: SECRET };
  const found = await withReceiver(entry, { properties: LOCAL, changed: { dryRun: true } });
  assertFinds(found, "webhook_unreachable", {
    says: /'crm' \(http:\/\/127\.0\.0\.1:\d+\): no connection/,
    advises: /Start the receiver/,
  });
});

Deno.test("a gateway with nobody behind it is an error", async () => {
  await using receiver = startReceiver(502);
  const entry = { uri: receiver.uri, webhookSecret: SECRET };
  const found = await withReceiver(entry, { properties: LOCAL, changed: { dryRun: true } });
  assertFinds(found, "webhook_unreachable", { says: /502/, advises: /Start the receiver/ });
});

Deno.test("a receiver that redirects is an error, since redirects are not followed", async () => {
  await using receiver = startReceiver(301);
  const entry = { uri: receiver.uri, webhookSecret: SECRET };
  const found = await withReceiver(entry, { properties: LOCAL, changed: { dryRun: true } });
  assertFinds(found, "webhook_redirects", { says: /301/, advises: /not followed/ });
});

Deno.test("an address that is not https is an error while only https is allowed", async () => {
  const entry = { uri: "http://crm.example.com/hooks/ox", webhookSecret: SECRET };
  assertFinds(await withReceiver(entry), "webhook_address_refused", {
    says: /https/,
    advises: /httpsOnly/,
  });
});

Deno.test("an address in the local network is an error while only public ones are allowed", async () => {
  const entry = { uri: "https://10.0.0.7/hooks/ox", webhookSecret: SECRET };
  assertFinds(await withReceiver(entry), "webhook_address_refused", {
    says: /not a public address/,
    advises: /allowLocalWebhooks/,
  });
});

Deno.test("a name that leads into the local network is an error, and is not called", async () => {
  const entry = { uri: "https://crm.example.com/hooks/ox", webhookSecret: SECRET };
  const changed = { dryRun: true, resolve: () => Promise.resolve(["192.168.1.7"]) };
  assertFinds(await withReceiver(entry, { changed }), "webhook_address_refused", {
    says: /does not resolve to public addresses/,
    advises: /allowLocalWebhooks/,
  });
});

Deno.test("a name that does not resolve is an error", async () => {
  const entry = { uri: "https://crm.example.com/hooks/ox", webhookSecret: SECRET };
  const changed = { dryRun: true, resolve: () => Promise.reject(new Error("no such name")) };
  assertFinds(await withReceiver(entry, { changed }), "webhook_unreachable", {
    says: /does not resolve/,
    advises: /correct 'uri'/,
  });
});

Deno.test("a receiver that nobody may subscribe with is a warning", async () => {
  const entry = { uri: "https://crm.example.com/hooks/ox", webhookSecret: SECRET };
  assertFinds(await withReceiver(entry, { properties: "" }), "webhook_not_enabled", {
    says: /'crm'/,
    advises: /enabledIds/,
  });
});

Deno.test("a receiver without a secret is a warning", async () => {
  assertFinds(
    await withReceiver({ uri: "https://crm.example.com/hooks/ox" }),
    "webhook_unauthenticated",
    { says: /no secret/, advises: /signatureSecret/ },
  );
});

Deno.test("a secret that can be guessed is a warning", async () => {
  const entry = { uri: "https://crm.example.com/hooks/ox", webhookSecret: "Bearer 4f1c" };
  assertFinds(await withReceiver(entry), "webhook_secret_short", {
    says: /guessed/,
    advises: /openssl rand/,
  });
});

Deno.test("a secret for signatures without the name of their header is an error", async () => {
  const entry = { uri: "https://crm.example.com/hooks/ox", signatureSecret: SECRET };
  assertFinds(await withReceiver(entry), "webhook_options_incomplete", {
    says: /'signatureHeaderName' is missing/,
    advises: /webhooks\.yml/,
  });
});
