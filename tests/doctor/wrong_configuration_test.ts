/** Set-ups whose configuration or credentials are wrong on purpose. */

import assert from "node:assert/strict";
import type { Finding } from "../../doctor/finding.ts";
import { createAppleIdentity, toPkcs12 } from "../../simulator/certificates.ts";
import { makeVapidKeys } from "../../transports/webpush/vapid.ts";
import { iPhone, mail, sharedMaterial } from "../flow/_providers.ts";
import { freePort } from "../support/free_port.ts";
import { until } from "../support/until.ts";
import { ADMIN_KEY, SESSION_SECRET } from "../support/start_service.ts";
import { assertFinds, codesOf, folderWith, startSetUp } from "./_set_up.ts";

const DAY_MS = 86_400_000;
const ON = "com.openexchange.pns.transport.apn.ios.enabled=true\n" +
  "com.openexchange.pns.transport.gcm.enabled=true\n" +
  "com.openexchange.pns.transport.webpush.enabled=true\n" +
  "com.openexchange.pns.transport.wns.enabled=true\n";

/** Examines a folder with these files, on its own: no service answers. */
async function inFolder(
  files: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>> = {},
): Promise<readonly Finding[]> {
  await using setUp = await startSetUp();
  const folder = await folderWith(files);
  try {
    return await setUp.examine({
      folder,
      variables: {
        CARILLON_SESSION_SECRET: SESSION_SECRET,
        CARILLON_ADMIN_KEY: ADMIN_KEY,
        ...variables,
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a value that a start refuses is named with file, line and column", async () => {
  const found = await inFolder({
    "a.properties": "com.openexchange.pns.delayDuration=soon\n",
  });
  assertFinds(found, "configuration_faulty", {
    says: /a\.properties:1:\d+/,
    advises: /Correct/,
  });
});

Deno.test("a misspelt property is named with the one that was meant", async () => {
  const found = await inFolder({
    "a.properties": "io.carillon.bufer.maxBytes=1048576\n",
  });
  assertFinds(found, "property_ignored", {
    says: /io\.carillon\.buffer\.maxBytes/,
    advises: /no effect/,
  });
});

Deno.test("a delay longer than the longest delay contradicts it", async () => {
  const found = await inFolder({
    "a.properties": "com.openexchange.pns.delayDuration=9000\n" +
      "com.openexchange.pns.maxDelayDuration=5000\n",
  });
  assertFinds(found, "properties_contradict", {
    says: /9000/,
    advises: /maxDelayDuration/,
  });
});

Deno.test("an internal listener on the public port contradicts it", async () => {
  await using setUp = await startSetUp();
  const found = await setUp.examine({
    variables: {
      CARILLON_SESSION_SECRET: SESSION_SECRET,
      IO_CARILLON_INTERNAL_PORT: String(setUp.providers.service.port),
    },
  });
  assertFinds(found, "properties_contradict", {
    says: /same port/,
    advises: /internal\.port/,
  });
});

Deno.test("a misspelt variable is named", async () => {
  const found = await inFolder({}, { CARILLON_STOER: "kv:./data/c.kv" });
  assertFinds(found, "variable_unknown", {
    says: /CARILLON_STOER/,
    advises: /CARILLON_STORE/,
  });
});

Deno.test("a session secret that can be guessed is an error", async () => {
  const found = await inFolder({}, { CARILLON_SESSION_SECRET: "secret" });
  assertFinds(found, "session_secret_short", {
    says: /guessed/,
    advises: /openssl rand/,
  });
});

Deno.test("an entry of an options file that cannot be read is named with its place", async () => {
  const found = await inFolder({
    "a.properties": ON,
    "pns-gcm-options.yml": "droid:\n  serviceacount: x.json\n",
  });
  assert.deepEqual(new Set(codesOf(found)), new Set(["client_options_faulty"]));
  assert.match(found[0]!.what, /pns-gcm-options\.yml:\d+/);
});

Deno.test("an expired certificate is named, with its day and what to renew", async () => {
  const found = await inFolder(
    await keystore({ fromDays: -400, untilDays: -3 }),
  );
  assertFinds(found, "credential_unusable", {
    says: /expired on \d{4}/,
    advises: /Renew/,
  });
});

Deno.test("a certificate that ends in a week is a warning", async () => {
  const found = await inFolder(await keystore({ fromDays: -10, untilDays: 7 }));
  assertFinds(found, "credential_ends_soon", {
    says: /ends in [67] days/,
    advises: /Renew/,
  });
});

Deno.test("a certificate of the sandbox alone does not do for production", async () => {
  const found = await inFolder(
    await keystore({ fromDays: -1, untilDays: 90, sandbox: true }),
  );
  assertFinds(found, "credential_unusable", {
    says: /development/,
    advises: /'production'/,
  });
});

Deno.test("a VAPID pair whose keys were swapped with those of another pair is named", async () => {
  const [mine, other] = [await makeVapidKeys(), await makeVapidKeys()];
  const found = await inFolder({
    "a.properties": ON,
    "pns-webpush-options.yml": `browser:
  publickey: ${mine.publickey}
  privatekey: ${other.privatekey}
  subject: mailto:push@example.com
`,
  });
  assertFinds(found, "credential_unusable", {
    says: /not one pair/,
    advises: /vapid/,
  });
});

Deno.test("clients of a transport that is switched off get a warning", async () => {
  const { publickey, privatekey } = await makeVapidKeys();
  const found = await inFolder({
    "pns-webpush-options.yml": `browser:
  publickey: ${publickey}
  privatekey: ${privatekey}
  subject: mailto:push@example.com
`,
  });
  assertFinds(found, "transport_off", { says: /webpush/, advises: /config set/ });
});

Deno.test("a key file that every user of the machine may read is a warning", async () => {
  await using setUp = await startSetUp();
  await Deno.chmod(`${setUp.providers.folder}/apns.p8`, 0o644);
  const found = await setUp.examine();
  assertFinds(found, "secret_file_readable", {
    says: /apns\.p8/,
    advises: /chmod 640/,
  });
});

Deno.test("a key that the provider does not know is named by a dry run", async () => {
  await using setUp = await startSetUp();
  const { configDir } = setUp.providers.service;
  const { addresses } = setUp.providers.simulator;
  const { folder } = setUp.providers;
  await Deno.writeTextFile(
    `${configDir}/pns-apns-options.yml`,
    `phone:
  authtype: jwt
  privatekey: ${folder}/apns.p8
  keyid: ABCDEFGHIJ
  teamid: ABCDEFGHIJ
  topic: com.example.carillon
  address: ${addresses.apns}
  cafile: ${folder}/ca.pem
`,
  );
  const found = await setUp.examine({ dryRun: true });
  assert.ok(codesOf(found).includes("provider_refuses"), JSON.stringify(found));
  const one = found.find(({ code }) => code === "provider_refuses")!;
  assert.match(one.what, /apn client 'phone'.*InvalidProviderToken/);
  assert.match(one.do, /key id/);
});

Deno.test("a provider that cannot be reached is named by a dry run", async () => {
  await using setUp = await startSetUp();
  const { configDir } = setUp.providers.service;
  const { folder } = setUp.providers;
  await Deno.writeTextFile(
    `${configDir}/pns-apns-options.yml`,
    `phone:
  keystore: ${folder}/apns.p12
  password: ${(await sharedMaterial()).apns.password}
  topic: com.example.carillon
  address: https://127.0.0.1:${freePort()}
  cafile: ${folder}/ca.pem
`,
  );
  const found = await setUp.examine({ dryRun: true });
  assertFinds(found, "provider_unreachable", {
    says: /'phone'/,
    advises: /Let the machine through/,
  });
});

Deno.test("sandbox tokens at a production client show in the traffic", async () => {
  await using setUp = await startSetUp({
    properties: { "io.carillon.delivery.maxAttempts": 1 },
  });
  const { service, simulator } = setUp.providers;
  for (let number = 0; number < 25; number++) {
    const token = iPhone(number);
    await service.subscribe({
      ...{ user: String(number), client: "demo-ios", transport: "apn", token },
    });
    // What Apple answers to a token of the other environment.
    simulator.faults.set({
      provider: "apn",
      token,
      script: "400 BadDeviceToken",
    });
  }
  for (let number = 0; number < 25; number++) {
    await service.settled(
      await service.publish(mail(number, { user: String(number) })),
    );
  }
  const found = await setUp.examine();
  const dead = found.filter(({ code }) => code === "addresses_mostly_refused");
  assertFinds(dead, "addresses_mostly_refused", {
    says: /25 of 25/,
    advises: /sandbox/,
  });
});

Deno.test("a circuit breaker that is open is a warning", async () => {
  await using setUp = await startSetUp();
  const { service, simulator } = setUp.providers;
  const token = iPhone(1);
  await service.subscribe({ client: "demo-ios", transport: "apn", token });
  simulator.faults.set({ provider: "apn", token, script: "403 InvalidProviderToken" });
  await service.publish(mail(1));
  await until("the breaker is open", async () => {
    const { text } = await service.call("GET", "/metrics");
    return /^carillon_provider_breaker_open\{.*demo-ios.*\} 1$/m.test(text);
  });
  assertFinds(await setUp.examine(), "breaker_open", {
    says: /apn client 'demo-ios'/,
    advises: /--dry-run/,
  });
});

async function keystore({ fromDays, untilDays, sandbox = false }: {
  readonly fromDays: number;
  readonly untilDays: number;
  readonly sandbox?: boolean;
}): Promise<Readonly<Record<string, string>>> {
  const { authority } = await sharedMaterial();
  const identity = await createAppleIdentity(authority, {
    from: Date.now() + fromDays * DAY_MS,
    until: Date.now() + untilDays * DAY_MS,
    bundleId: "com.example.app",
    ...sandbox && { environments: ["development"] },
  });
  const path = await Deno.makeTempFile({ suffix: ".p12" });
  await Deno.writeFile(path, toPkcs12(identity, "password"));
  await Deno.chmod(path, 0o600);
  return {
    "a.properties": ON,
    "pns-apns-options.yml": `phone:\n  keystore: ${path}\n  password: password\n`,
  };
}
