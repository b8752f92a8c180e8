import assert from "node:assert/strict";
import { assertProblem } from "../support/api.ts";
import { listen } from "../support/listener.ts";
import { startTestService, type TestService } from "../support/start_service.ts";

const ENABLED = "com.openexchange.pns.transport.websocket.enabled";
const OF_CONTEXT = "/v1/contexts/1/config";
const OF_USER = "/v1/contexts/1/users/3/config";

async function stateOfNext(service: TestService) {
  const { state } = await service.settled(await service.publish());
  return state;
}

Deno.test("a changed attribute takes effect for the next notification", async () => {
  await using service = await startTestService();
  using listener = await listen(service.host, { session: await service.mint() });
  assert.equal(await stateOfNext(service), "delivered");
  await service.call("PUT", OF_CONTEXT, { body: { attributes: { [ENABLED]: false } } });
  assert.equal(await stateOfNext(service), "suppressed");
  await service.call("PATCH", OF_USER, { body: { attributes: { [ENABLED]: "true" } } });
  assert.equal(await stateOfNext(service), "delivered");
  await service.call("PATCH", OF_USER, { body: { attributes: { [ENABLED]: null } } });
  assert.equal(await stateOfNext(service), "suppressed");
  await service.call("DELETE", OF_CONTEXT);
  assert.equal(await stateOfNext(service), "delivered");
  assert.equal((await listener.received(3)).length, 3);
});

Deno.test("a user who may have no sockets is not let in", async () => {
  await using service = await startTestService();
  const session = await service.mint();
  const body = { attributes: { "com.openexchange.websockets.enabled": false } };
  await service.call("PUT", OF_USER, { body });
  await assert.rejects(listen(service.host, { session }));
  using _other = await listen(service.host, { session: await service.mint("4") });
});

Deno.test("attributes of a context are set, shown, changed and removed", async () => {
  await using service = await startTestService();
  assertProblem(await service.call("GET", OF_CONTEXT), "404 not_found");
  const put = await service.call("PUT", OF_CONTEXT, {
    body: { name: "acme", attributes: { [ENABLED]: false } },
  });
  assert.equal(put.status, 200);
  assert.deepEqual(put.body, { name: "acme", attributes: { [ENABLED]: "false" } });
  assert.deepEqual((await service.call("GET", OF_CONTEXT)).body, put.body);
  const patched = await service.call("PATCH", OF_CONTEXT, {
    body: { name: null, attributes: { [`${ENABLED}.app`]: true } },
  });
  assert.deepEqual(patched.body, {
    attributes: { [ENABLED]: "false", [`${ENABLED}.app`]: "true" },
  });
  assert.equal((await service.call("DELETE", OF_CONTEXT)).status, 204);
  assertProblem(await service.call("GET", OF_CONTEXT), "404 not_found");
  assert.equal((await service.call("DELETE", OF_CONTEXT)).status, 204);
});

Deno.test("attributes of a user are theirs alone", async () => {
  await using service = await startTestService();
  const body = { permissions: ["ucWebMail"], attributes: { [ENABLED]: false } };
  await service.call("PUT", OF_USER, { body });
  assert.deepEqual((await service.call("GET", OF_USER)).body, {
    ...{ permissions: ["ucWebMail"], attributes: { [ENABLED]: "false" } },
  });
  assertProblem(await service.call("GET", "/v1/contexts/1/users/4/config"), "404 not_found");
  assertProblem(await service.call("GET", "/v1/contexts/2/users/3/config"), "404 not_found");
});

Deno.test("attributes that cannot be are refused, and nothing is changed", async () => {
  await using service = await startTestService();
  const cases = [
    { attributes: { [ENABLED]: "perhaps" } },
    { attributes: { [ENABLED]: { deep: true } } },
    { attributes: { "com.openexchange.pns.delayDuration": 5 } },
    { attributes: [] },
    { attributess: {} },
    { attributes: { "": "x" } },
  ];
  for (const body of cases) {
    for (const method of ["PUT", "PATCH"]) {
      const answer = await service.call(method, OF_USER, { body });
      assertProblem(answer, "400 invalid_request");
    }
  }
  assertProblem(await service.call("GET", OF_USER), "404 not_found");
});

Deno.test("names in the path are checked", async () => {
  await using service = await startTestService();
  const answer = await service.call("PUT", `/v1/contexts/${"c".repeat(256)}/config`, { body: {} });
  assertProblem(answer, "400 invalid_request");
  const control = await service.call("PUT", "/v1/contexts/a%00b/config", { body: {} });
  assertProblem(control, "400 invalid_request");
});

Deno.test("contexts have publish limits of their own, by attribute or by context set", async () => {
  const LIMIT = "io.carillon.publish.maxPerSecondPerContext";
  await using service = await startTestService({
    properties: { [LIMIT]: 10 },
    files: { "contextSets/plans.yml": `gold:\n    withTags: gold\n    ${LIMIT}: 1000000\n` },
  });
  const publish = async (context: string, count: number) => {
    const notification = { context, user: "3", topic: "ox:mail:new", data: {} };
    const notifications = Array.from({ length: count }, () => notification);
    return await service.call("POST", "/v1/notifications", { body: { notifications } });
  };
  await service.call("PUT", "/v1/contexts/2/config", { body: { attributes: { [LIMIT]: 0 } } });
  await service.call("PUT", "/v1/contexts/3/config", { body: { name: "gold" } });
  for (const context of ["2", "3"]) {
    for (let n = 0; n < 3; n++) assert.equal((await publish(context, 100)).status, 202);
  }
  assert.equal((await publish("1", 100)).status, 202);
  assertProblem(await publish("1", 1), "429 too_many_requests");
});
