import assert from "node:assert/strict";
import { assertProblem, NEW_MAIL } from "../support/api.ts";
import { startTestService } from "../support/start_service.ts";

const PATH = "/v1/notifications";

Deno.test("a publish beyond the limit of a key is answered with 429 and Retry-After", async () => {
  await using service = await startTestService({
    properties: { "io.carillon.publish.maxPerSecondPerKey": 2 },
  });
  // Ten at once leave a debt of five seconds, so that no pause of this process pays it.
  const notifications = Array.from({ length: 10 }, () => NEW_MAIL);
  assert.equal((await service.call("POST", PATH, { body: { notifications } })).status, 202);
  const answer = await service.call("POST", PATH, { body: NEW_MAIL });
  assertProblem(answer, "429 too_many_requests");
  assert.match(answer.body.detail, /more than 2 notifications a second with this credential/);
  const seconds = Number(answer.headers.get("retry-after"));
  assert.ok(seconds >= 1 && seconds <= 5, `${seconds} s`);
  const other = await service.mintKey("publish");
  assert.equal((await service.call("POST", PATH, { body: NEW_MAIL, key: other })).status, 202);
  const { text } = await service.call("GET", "/metrics");
  assert.match(text, /^carillon_publish_limited_total\{limit="key"\} 1$/m);
});

Deno.test("above the limit of a context nothing of a batch is accepted", async () => {
  await using service = await startTestService({
    properties: { "io.carillon.publish.maxPerSecondPerContext": 2 },
  });
  await service.publishAll(Array.from({ length: 10 }, () => ({ context: "1" })));
  const notifications = [{ ...NEW_MAIL, context: "2" }, { ...NEW_MAIL, context: "1" }];
  const answer = await service.call("POST", PATH, { body: { notifications } });
  assertProblem(answer, "429 too_many_requests");
  assert.match(answer.body.detail, /in context 1/);
  const { text } = await service.call("GET", "/metrics");
  assert.match(text, /^carillon_notifications_accepted_total 10$/m);
  await service.publishAll([{ context: "2" }, { context: "2" }]);
});

Deno.test("a request that may not be made takes nothing from the limits", async () => {
  await using service = await startTestService({
    properties: { "io.carillon.publish.maxPerSecondPerContext": 1 },
  });
  const { secret } = await service.mintKeyOf({ scopes: ["publish"], contexts: ["2"] });
  for (let n = 0; n < 5; n++) {
    const answer = await service.call("POST", PATH, { body: NEW_MAIL, key: secret });
    assertProblem(answer, "403 forbidden");
  }
  await service.publish();
});
