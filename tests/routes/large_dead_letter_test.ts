import assert from "node:assert/strict";
import { FakeGcm } from "../support/fake_gcm.ts";
import { startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";

for (const [error, state] of [["MessageTooBig", "dead"], [500, "in_flight"]] as const) {
  Deno.test(`a large notification of another script becomes ${state} once, and is delivered later`, async () => {
    await using gcm = new FakeGcm();
    await using service = await startTestService({
      ...gcm.configuration,
      properties: { ...gcm.configuration.properties, "io.carillon.delivery.retryBase": 10 },
    });
    gcm.errors.set("t", error);
    await service.subscribe({ client: "app", transport: "gcm", token: "t" });
    const subject = "\u0411" + "x".repeat(47 * 1024);
    const id = await service.publish({ data: { folder: "a", id: "1", subject } });
    await until("the first attempt is recorded", async () => {
      const { body } = await service.call("GET", `/v1/notifications/${id}`);
      return body.state === state && body.targets.length === 1;
    });
    gcm.errors.clear();
    if (state === "dead") await service.call("POST", "/v1/dead-letters/replay", { body: {} });
    await until("it is delivered", async () => {
      return (await service.call("GET", `/v1/notifications/${id}`)).body.state === "delivered";
    });
    assert.ok(gcm.arrived.length >= 2);
    assert.deepEqual(service.log.filter((line) => line.includes("could not be stored")), []);
  });
}
