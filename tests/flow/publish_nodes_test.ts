/** Publishing to several services on one Redis: idempotency keys and limits hold for all of them. */

import assert from "node:assert/strict";
import { assertProblem, NEW_MAIL } from "../support/api.ts";
import { redisTest, sharedRedis } from "../support/redis_server.ts";
import {
  startTestService,
  type TestService,
  type TestServiceOptions,
} from "../support/start_service.ts";
import { until } from "../support/until.ts";

const redis = sharedRedis();
const PATH = "/v1/notifications";

/** Two nodes on an empty Redis. */
async function startTwo(options: TestServiceOptions = {}) {
  await redis().flush();
  const opened = new AsyncDisposableStack();
  const start = async () => opened.use(await startTestService({ ...options, store: redis().url }));
  return {
    a: await start(),
    b: await start(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function publish(node: TestService, idempotencyKey: string, fields: object = {}) {
  const headers = { "idempotency-key": idempotencyKey };
  return node.call("POST", PATH, { body: { ...NEW_MAIL, ...fields }, headers });
}

/** Notifications that the nodes have settled, all in all. */
async function settled(...nodes: readonly TestService[]): Promise<number> {
  const texts = await Promise.all(nodes.map((node) => node.call("GET", "/metrics")));
  const counts = texts.flatMap((
    { text },
  ) => [...text.matchAll(/^carillon_notifications_settled_total\{.*\} (\d+)$/gm)]);
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

redisTest("a request that one node has accepted is replayed by the other", async () => {
  await using nodes = await startTwo();
  const first = await publish(nodes.a, "k");
  assert.equal(first.status, 202);
  const second = await until("the other one knows it", async () => {
    const answer = await publish(nodes.b, "k");
    return answer.status === 202 && answer;
  });
  assert.deepEqual(second.body, first.body);
  assert.equal(second.headers.get("idempotency-replayed"), "true");
  assertProblem(await publish(nodes.b, "k", { user: "4" }), "422 idempotency_mismatch");
});

redisTest("of many at the same time at two nodes one is accepted", async () => {
  await using nodes = await startTwo();
  const { a, b } = nodes;
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => publish(n % 2 === 0 ? a : b, "k")),
  );
  const ids = new Set(answers.flatMap(({ status, body }) => status === 202 ? body.ids : []));
  assert.equal(ids.size, 1);
  for (const answer of answers) {
    if (answer.status !== 202) assertProblem(answer, "409 idempotency_conflict");
  }
  const [id] = ids;
  await a.settled(id);
  assert.equal(await settled(a, b), 1);
});

redisTest("a limit counts what both nodes accept", async () => {
  await using nodes = await startTwo({
    properties: { "io.carillon.publish.maxPerSecondPerContext": 20 },
  });
  const { a, b } = nodes;
  // Far above a second's worth: a debt of twenty seconds, which no pause of this process pays.
  const notifications = Array.from({ length: 400 }, () => NEW_MAIL);
  assert.equal((await a.call("POST", PATH, { body: { notifications } })).status, 202);
  const answer = await b.call("POST", PATH, { body: NEW_MAIL });
  assertProblem(answer, "429 too_many_requests");
  assert.ok(Number(answer.headers.get("retry-after")) > 15);
  await b.publish({ context: "2" });
});
