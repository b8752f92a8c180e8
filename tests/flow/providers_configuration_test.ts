import assert from "node:assert/strict";
import { until } from "../support/until.ts";
import { CLIENTS, iPhone, mail, startProviders } from "./_providers.ts";

/** The options of one more iOS app with a keystore. */
function keystoreEntry(client: string, keystore: string, password: string): string {
  return `${client}:\n    keystore: ${JSON.stringify(keystore)}\n` +
    `    password: ${JSON.stringify(password)}\n    topic: com.example.carillon\n`;
}

/** What was logged as an error. */
function errors(log: readonly string[]): readonly { message: string; place?: string }[] {
  return log.map((line) => JSON.parse(line)).filter(({ level }) => level === "error");
}

Deno.test("a keystore with another password disables its client, and no other one", async () => {
  await using providers = await startProviders({
    files: (folder) => ({
      "pns-apns-options.yml": keystoreEntry("broken", `${folder}/apns.p12`, "not the password"),
    }),
  });
  const { service, folder } = providers;
  const [fault] = errors(service.log);
  assert.match(fault!.message, /client 'broken'.*password/i);
  assert.equal(fault!.place, `${folder}/apns.p12`);
  assert.ok(!service.log.join().includes("not the password"));

  await service.subscribe({ client: CLIENTS.gcm, transport: "gcm", token: "a-device:APA91b" });
  assert.equal((await service.settled(await service.publish(mail(1)))).state, "delivered");
  const { body } = await service.call("GET", "/readyz");
  const check = body.checks["transport apn"];
  assert.deepEqual([body.ready, check.ok, check.detail[0].client], [true, false, "broken"]);
});

Deno.test("options of a wrong shape are named with client, file and line", async () => {
  await using providers = await startProviders({
    files: () => ({
      "pns-wns-options.yml": "good:\n    enabled: false\nwrong:\n    sid: [1, 2]\n    secret: s\n",
    }),
  });
  const { service } = providers;
  const [fault] = errors(service.log);
  assert.match(fault!.message, /client 'wrong'/);
  assert.match(fault!.place!, /^pns-wns-options\.yml:4:/);
  await service.subscribe({ client: CLIENTS.apn, transport: "apn", token: iPhone(1) });
  assert.equal((await service.settled(await service.publish(mail(1)))).state, "delivered");
});

Deno.test("options that are no YAML are named by file and line, and the rest works", async () => {
  await using providers = await startProviders({
    files: () => ({ "pns-wns-options.yml": 'client:\n    sid: "open\n' }),
  });
  const { service } = providers;
  assert.match(errors(service.log)[0]!.place!, /^pns-wns-options\.yml:\d+:/);
  await service.subscribe({ client: CLIENTS.apn, transport: "apn", token: iPhone(1) });
  assert.equal((await service.settled(await service.publish(mail(1)))).state, "delivered");
});

Deno.test("a credential that is put right counts after a reload, without a restart", async () => {
  await using providers = await startProviders();
  const { service, simulator, folder } = providers;
  const key = await Deno.readTextFile(`${folder}/apns.p8`);
  await service.subscribe({ client: CLIENTS.apn, transport: "apn", token: iPhone(1) });
  await Deno.writeTextFile(`${folder}/apns.p8`, "not a key");
  await service.call("POST", "/v1/admin/reload", {});
  const fault = await until("the bad key is noticed", () => errors(service.log)[0]);
  assert.match(fault.message, new RegExp(`client '${CLIENTS.apn}'`));
  const held = await service.publish(mail(1));
  await until("the message waits for the operator", async () => {
    const { body } = await service.call("GET", `/v1/notifications/${held}`);
    return body.state === "in_flight" && body.targets[0]?.state === "retrying";
  });

  await Deno.writeTextFile(`${folder}/apns.p8`, key);
  await service.call("POST", "/v1/admin/reload", {});
  await until("the client is back", async () => {
    const { state } = await service.settled(await service.publish(mail(2)));
    return state === "delivered";
  });
  assert.equal(simulator.received.list({ provider: "apn", accepted: true }).length, 1);
});

Deno.test("a test message says what the provider answered", async () => {
  await using providers = await startProviders();
  const { service, simulator } = providers;
  const cases = {
    "ok": { outcome: "sent" },
    "500": { outcome: "retry", reason: "InternalServerError" },
    "403 InvalidProviderToken": { outcome: "misconfigured", reason: "InvalidProviderToken" },
  };
  for (const [script, expected] of Object.entries(cases)) {
    const token = simulator.faultySamples(script, "t").apn;
    const id = await service.subscribe({ client: CLIENTS.apn, transport: "apn", token });
    const { body } = await service.call("POST", `/v1/subscriptions/${id}/test`);
    const { message, ...outcome } = body;
    assert.deepEqual(outcome, expected);
    assert.equal(message.title, "Carillon");
    assert.equal(JSON.parse(message.payload).topic, "carillon:test");
  }
});
