import assert from "node:assert/strict";
import { hexFaultToken, startSimulator } from "../../simulator/mod.ts";
import { until } from "../support/until.ts";
import { CLIENTS, ENGINES, iPhone, mail, sharedMaterial, startProviders } from "./_providers.ts";

const APN = { client: CLIENTS.apn, transport: "apn" } as const;
const MANY = 20;

/** Subscribes one iPhone per user, whose token carries a script, and publishes to each of them. */
async function tellAll(
  { service }: Awaited<ReturnType<typeof startProviders>>,
  script: (number: number) => string,
): Promise<readonly string[]> {
  const numbers = Array.from({ length: MANY }, (_, number) => number);
  await Promise.all(numbers.map((number) => {
    const token = hexFaultToken(script(number), String(number));
    return service.subscribe({ ...APN, user: String(number), token });
  }));
  return await service.publishAll(
    numbers.map((number) => mail(number, { user: String(number), priority: "high" })),
  );
}

/** Asserts that each was taken by its iPhone, and that whatever came twice had the same id. */
async function assertAllDelivered(
  { service, simulator }: Awaited<ReturnType<typeof startProviders>>,
  ids: readonly string[],
): Promise<void> {
  const records = await Promise.all(ids.map((id) => service.settled(id)));
  assert.deepEqual(records.map(({ state }) => state), ids.map(() => "delivered"));
  const taken = simulator.received.list({ provider: "apn", accepted: true });
  assert.deepEqual(new Set(taken.map(({ headers }) => headers["apns-id"])), new Set(ids));
  const byToken = Map.groupBy(simulator.received.list({ provider: "apn" }), ({ token }) => token);
  for (const arrivals of byToken.values()) {
    assert.equal(new Set(arrivals.map(({ headers }) => headers["apns-id"])).size, 1);
    assert.equal(new Set(arrivals.map(({ headers }) => headers["apns-collapse-id"])).size, 1);
  }
}

for (const engine of ENGINES) {
  const properties = { "io.carillon.http.engine": engine };

  Deno.test(`${engine}: what is published while a provider is down arrives once it is back`, async () => {
    await using providers = await startProviders({ properties });
    const { service, simulator } = providers;
    const port = Number(new URL(simulator.addresses.apns).port);
    await simulator.close();
    const ids = await tellAll(providers, () => "ok");
    const attempted = /carillon_retries_waiting (\d+)/;
    await until("all of them wait for another attempt", async () => {
      const { text } = await service.call("GET", "/metrics");
      return Number(attempted.exec(text)?.[1]) === MANY;
    });
    await using back = await startSimulator({
      ports: { apns: port },
      material: await sharedMaterial(),
    });
    await assertAllDelivered({ ...providers, simulator: back }, ids);
  });

  Deno.test(`${engine}: a provider that hangs is aborted and tried again, with the same id`, async () => {
    await using providers = await startProviders({
      properties: { ...properties, "io.carillon.delivery.attemptTimeout": 200 },
    });
    await assertAllDelivered(
      providers,
      await tellAll(providers, (n) => n % 4 ? "ok" : "hang once"),
    );
    const hung = providers.simulator.received.list({ provider: "apn", accepted: false });
    assert.ok(hung.length >= MANY / 4);
  });

  Deno.test(`${engine}: connections that are reset in flight lose nothing`, async () => {
    await using providers = await startProviders({ properties });
    await assertAllDelivered(
      providers,
      await tellAll(providers, (n) => n % 5 ? "ok" : "reset twice"),
    );
  });

  Deno.test(`${engine}: connections that a GOAWAY ends lose nothing`, async () => {
    await using providers = await startProviders({ properties });
    await assertAllDelivered(
      providers,
      await tellAll(providers, (n) => n % 5 ? "ok" : "goaway once"),
    );
  });
}

Deno.test("a provider that hangs leaves the others as quick as they were", async () => {
  await using providers = await startProviders({
    properties: { "io.carillon.delivery.attemptTimeout": 5000 },
  });
  const { service, simulator } = providers;
  simulator.faults.set({ provider: "fcm", token: "*", script: "hang" });
  const android = { client: CLIENTS.gcm, transport: "gcm", user: "android" };
  await service.subscribe({ ...android, token: "a-device:APA91b" });
  await service.subscribe({ ...APN, user: "apple", token: iPhone(1) });
  const hanging = Array.from({ length: 300 }, (_, id) => mail(id, { user: "android" }));
  const stuck = await service.publishAll(hanging);
  await simulator.received.wait(1, { provider: "fcm" }, AbortSignal.timeout(10_000));
  const ids = await service.publishAll(
    Array.from({ length: MANY }, (_, id) => mail(id, { user: "apple" })),
  );
  for (const id of ids) {
    const { state, acceptedAt, targets: [target] } = await service.settled(id);
    assert.equal(state, "delivered");
    assert.ok(Date.parse(target!.at) - Date.parse(acceptedAt) < 2000);
  }
  const { body } = await service.call("GET", `/v1/notifications/${stuck[0]}`);
  assert.equal(body.state, "in_flight");
  simulator.faults.clear();
});

Deno.test("a token that the provider replaces is stored", async () => {
  await using providers = await startProviders();
  const { service, simulator } = providers;
  const gcm = { client: CLIENTS.gcmLegacy, transport: "gcm" };
  await service.subscribe({ ...gcm, token: "fault:moved-canonical_token:1" });
  await service.settled(await service.publish(mail(1)));
  await service.settled(await service.publish(mail(2)));
  const tokens = simulator.received.list({ provider: "gcm" }).map(({ token }) => token);
  assert.deepEqual(tokens, ["fault:moved-canonical_token:1", "canonical_token"]);
});
