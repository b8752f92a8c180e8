import assert from "node:assert/strict";
import { type Simulator, startSimulator } from "../../simulator/simulator.ts";
import { material } from "./support.ts";

async function withSimulator(run: (simulator: Simulator) => Promise<void>) {
  await using simulator = await startSimulator({ material });
  await run(simulator);
}

async function call(simulator: Simulator, method: string, path: string, body?: unknown) {
  const response = await fetch(simulator.addresses.api + path, {
    method,
    ...body === undefined ? {} : {
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { "content-type": "application/json" },
    },
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

function arrive(simulator: Simulator, token: string, payload: string) {
  simulator.received.add({ provider: "apn", token, status: 200, headers: {} }, () => payload);
}

Deno.test("the API lists received pushes, filtered, and clears them", () =>
  withSimulator(async (simulator) => {
    arrive(simulator, "a", "one");
    arrive(simulator, "b", "two");
    const all = await call(simulator, "GET", "/api/arrivals");
    assert.equal(all.body.arrivals.length, 2);
    assert.deepEqual(all.body.counts, { apn: { accepted: 2, refused: 0 } });
    const one = await call(simulator, "GET", "/api/arrivals?provider=apn&token=b");
    assert.deepEqual(one.body.arrivals.map(({ payload }: { payload: string }) => payload), ["two"]);
    const later = await call(simulator, "GET", "/api/arrivals?after=1");
    assert.deepEqual(later.body.arrivals.map(({ token }: { token: string }) => token), ["b"]);
    assert.equal((await call(simulator, "DELETE", "/api/arrivals")).status, 204);
    assert.deepEqual((await call(simulator, "GET", "/api/arrivals")).body.arrivals, []);
  }));

Deno.test("the API sets, lists and clears faults", () =>
  withSimulator(async (simulator) => {
    const fault = { provider: "wns", token: "*", script: "hang" };
    const set = await call(simulator, "POST", "/api/faults", fault);
    assert.deepEqual([set.status, set.body.faults], [201, [fault]]);
    assert.equal(simulator.faults.decide("wns", "any").does.kind, "hang");
    assert.equal((await call(simulator, "DELETE", "/api/faults")).status, 204);
    assert.deepEqual((await call(simulator, "GET", "/api/faults")).body.faults, []);
  }));

Deno.test("the API refuses invalid requests, and says why", () =>
  withSimulator(async (simulator) => {
    const bad = [
      await call(simulator, "POST", "/api/faults", { provider: "wns", script: "explode" }),
      await call(simulator, "POST", "/api/faults", { provider: "fax", script: "gone" }),
      await call(simulator, "POST", "/api/faults", "{"),
      await call(simulator, "PUT", "/api/latency", { ms: -1 }),
      await call(simulator, "GET", "/api/arrivals?provider=fax"),
    ];
    for (const { status, body } of bad) {
      assert.equal(status, 400);
      assert.ok(body.error.length > 0);
    }
    assert.equal((await call(simulator, "GET", "/api/nothing")).status, 404);
  }));

Deno.test("the API accepts no form of another site", () =>
  withSimulator(async (simulator) => {
    const response = await fetch(`${simulator.addresses.api}/api/faults`, {
      method: "POST",
      body: `{"provider":"apn","script":"hang"}`,
      headers: { "content-type": "text/plain" },
    });
    await response.body?.cancel();
    assert.equal(response.status, 400);
    assert.deepEqual(simulator.faults.list(), []);
  }));

Deno.test("the API gives addresses, samples and new subscriptions", () =>
  withSimulator(async (simulator) => {
    const { body } = await call(simulator, "GET", "/api/samples");
    assert.deepEqual(body.addresses, simulator.addresses);
    assert.deepEqual(body.samples, simulator.samples);
    const made = await call(simulator, "POST", "/api/subscriptions", { fault: "gone" });
    assert.equal(made.status, 201);
    assert.ok(made.body.endpoint.startsWith(`${simulator.addresses.webpush}/push/fault:gone:`));
  }));

Deno.test("the page is self-contained and shows payloads as text", () =>
  withSimulator(async (simulator) => {
    const response = await fetch(simulator.addresses.api);
    const page = await response.text();
    assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.doesNotMatch(page, /https?:\/\//);
    assert.doesNotMatch(page, /innerHTML|insertAdjacentHTML|document\.write/);
  }));
