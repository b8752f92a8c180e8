import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { hexFaultToken } from "../../simulator/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { until } from "../support/until.ts";
import { CLIENTS, mail, startProviders } from "./_providers.ts";

const MINUTE_MS = 60_000;
const SECRET = "a secret between a test and itself";

/** Lets a time pass in steps, as connections need real time in between, until something is true. */
async function pass<T>(
  clock: FakeClock,
  stepMs: number,
  look: () => Promise<T | undefined | false>,
): Promise<T> {
  return await until("it happens as time passes", async () => {
    const found = await look();
    if (found === undefined || found === false) await clock.advance(stepMs);
    return found;
  });
}

Deno.test("a provider that throttles is not tried again before its floor", async (t) => {
  const clock = new FakeClock(Date.now());
  const providers = await startProviders({ clock });
  const { service, simulator } = providers;
  const script = "429 for 3 s";
  const samples = simulator.faultySamples(script, "slow");
  const cases = [
    { transport: "apn", provider: "apn", token: samples.apn, floorMs: MINUTE_MS },
    { transport: "gcm", provider: "fcm", token: samples.gcm, floorMs: MINUTE_MS },
    { transport: "webpush", provider: "webpush", token: samples.webpush, floorMs: MINUTE_MS },
    { transport: "wns", provider: "wns", token: samples.wns, floorMs: 10_000 },
  ] as const;
  for (const { transport, provider, token, floorMs } of cases) {
    await t.step(transport, async () => {
      const client = CLIENTS[transport];
      await service.subscribe({ user: transport, client, transport, token });
      const id = await service.publish(mail(1, { user: transport }));
      await pass(
        clock,
        20,
        () => Promise.resolve(simulator.received.list({ provider }).length > 0),
      );
      const record = await pass(clock, 1000, async () => {
        const { body } = await service.call("GET", `/v1/notifications/${id}`);
        return body.state !== "in_flight" && body;
      });
      assert.equal(record.state, "delivered");
      const [first, second, ...more] = simulator.received.list({ provider });
      assert.deepEqual([first!.status, more], [429, []]);
      assert.ok(second!.at - first!.at >= floorMs);
    });
  }
  await stopOn(clock, providers);
});

Deno.test("a dead token is removed, and a signed webhook reports it to the publisher", async () => {
  const clock = new FakeClock(Date.now());
  const delivered: { readonly headers: Headers; readonly body: string }[] = [];
  const receiver = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      delivered.push({ headers: request.headers, body: await request.text() });
      return new Response(null, { status: 204 });
    },
  );
  const providers = await startProviders({
    clock,
    properties: {
      "io.carillon.feedback.url": `http://127.0.0.1:${receiver.addr.port}/hook`,
      "io.carillon.feedback.secret": SECRET,
    },
  });
  const { service } = providers;
  const subscription = await service.subscribe({
    ...{ client: CLIENTS.apn, transport: "apn", token: hexFaultToken("ok once, gone", "1") },
  });
  async function publish(number: number) {
    const id = await service.publish(mail(number));
    return await pass(clock, 20, async () => {
      const { body } = await service.call("GET", `/v1/notifications/${id}`);
      return body.state !== "in_flight" && body;
    });
  }
  assert.equal((await publish(1)).state, "delivered");
  // It says since when it has been dead, which must be after the device registered.
  await clock.advance(1000);
  assert.equal((await publish(2)).targets[0].state, "gone");
  await pass(clock, 1000, () => Promise.resolve(delivered.length > 0));
  const { headers, body } = delivered[0]!;
  const id = headers.get("webhook-id");
  const timestamp = headers.get("webhook-timestamp");
  const expected = createHmac("sha256", SECRET).update(`${id}.${timestamp}.${body}`);
  assert.equal(headers.get("webhook-signature"), `v1,${expected.digest("base64")}`);
  const { type, data } = JSON.parse(body);
  assert.deepEqual([type, data.subscription], ["subscription.gone", subscription]);
  assert.equal((await service.call("GET", `/v1/subscriptions/${subscription}`)).status, 404);
  await stopOn(clock, providers);
  await receiver.shutdown();
});

/** A stop waits for timers, which on this clock somebody has to move. */
async function stopOn(clock: FakeClock, providers: AsyncDisposable): Promise<void> {
  let stopped = false;
  const stopping = providers[Symbol.asyncDispose]().then(() => void (stopped = true));
  await pass(clock, 1000, () => Promise.resolve(stopped));
  await stopping;
}
