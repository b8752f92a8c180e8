import assert from "node:assert/strict";
import { assertProblem, NEW_MAIL } from "../support/api.ts";
import { startTestService, type TestService } from "../support/start_service.ts";

function publish(
  service: TestService,
  { idempotencyKey, key, ...fields }: Record<string, unknown> & {
    readonly idempotencyKey: string;
    readonly key?: string;
  },
) {
  return service.call("POST", "/v1/notifications", {
    body: { ...NEW_MAIL, ...fields },
    headers: { "idempotency-key": idempotencyKey },
    ...(key !== undefined && { key }),
  });
}

async function accepted(service: TestService): Promise<string | undefined> {
  const { text } = await service.call("GET", "/metrics");
  return /^carillon_notifications_accepted_total (\d+)$/m.exec(text)?.[1];
}

Deno.test("the same request under the same key is accepted once", async () => {
  await using service = await startTestService();
  const first = await publish(service, { idempotencyKey: "k" });
  const second = await publish(service, { idempotencyKey: "k" });
  assert.equal(`${first.status} ${second.status}`, "202 202");
  assert.deepEqual(second.body, first.body);
  assert.equal(first.headers.get("idempotency-replayed"), null);
  assert.equal(second.headers.get("idempotency-replayed"), "true");
  assert.equal(await accepted(service), "1");
});

Deno.test("the order of keys does not make it another request", async () => {
  await using service = await startTestService();
  const headers = { "idempotency-key": "k" };
  const one = `{"context":"1","user":"3","topic":"a","data":{"x":1,"y":2}}`;
  const two = `{"data":{"y":2,"x":1},"topic":"a","user":3,"context":1}`;
  const first = await service.call("POST", "/v1/notifications", { body: one, headers });
  const second = await service.call("POST", "/v1/notifications", { body: two, headers });
  assert.deepEqual(second.body, first.body);
});

Deno.test("another request under the same key is refused", async () => {
  await using service = await startTestService();
  await publish(service, { idempotencyKey: "k" });
  const answer = await publish(service, { idempotencyKey: "k", user: "4" });
  assertProblem(answer, "422 idempotency_mismatch");
});

Deno.test("keys of different credentials do not meet", async () => {
  await using service = await startTestService();
  const other = await service.mintKey("publish");
  const first = await publish(service, { idempotencyKey: "k" });
  const second = await publish(service, { idempotencyKey: "k", key: other, user: "4" });
  assert.equal(second.status, 202);
  assert.notDeepEqual(second.body, first.body);
});

Deno.test("of concurrent requests with one key one is accepted; the others replay it or get 409 and retry", async () => {
  await using service = await startTestService();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => publish(service, { idempotencyKey: "k" })),
  );
  const ids = new Set(answers.flatMap(({ status, body }) => status === 202 ? body.ids : []));
  assert.equal(ids.size, 1);
  for (const answer of answers) {
    if (answer.status === 202) continue;
    assertProblem(answer, "409 idempotency_conflict");
    assert.equal(answer.headers.get("retry-after"), "1");
  }
  assert.equal(await accepted(service), "1");
});

Deno.test("a request that was refused leaves its key free", async () => {
  await using service = await startTestService();
  assert.equal((await publish(service, { idempotencyKey: "k", ttl: -1 })).status, 400);
  assert.equal((await publish(service, { idempotencyKey: "k" })).status, 202);
});

Deno.test("a key that is too long is refused, and an empty one is no key", async () => {
  await using service = await startTestService();
  assertProblem(await publish(service, { idempotencyKey: "k".repeat(256) }), "400 invalid_request");
  assertProblem(await publish(service, { idempotencyKey: "" }), "400 invalid_request");
});

Deno.test("a key is remembered over a restart", async () => {
  const folder = await Deno.makeTempDir({ prefix: "carillon_" });
  try {
    const store = `kv:${folder}/data.kv`;
    await using before = await startTestService({ store });
    const first = await publish(before, { idempotencyKey: "k" });
    await before.stop();
    await using after = await startTestService({ store });
    assert.deepEqual((await publish(after, { idempotencyKey: "k" })).body, first.body);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
