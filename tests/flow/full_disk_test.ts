import assert from "node:assert/strict";
import { assertProblem, NEW_MAIL } from "../support/api.ts";
import { prepareProcess } from "../support/start_process.ts";

const PATH = "/v1/notifications";

Deno.test("a full disk refuses with 503 and loses nothing that was accepted", async () => {
  await using service = await prepareProcess({
    properties: { "com.openexchange.pns.delayDuration": 600_000 },
  });
  await service.start({ fullAtKiB: 1024 });
  const accepted: string[] = [];
  const text = "x".repeat(40_000);
  for (let n = 0;; n++) {
    assert.ok(n < 200, "the disk is never full");
    const answer = await service.call("POST", PATH, { body: { ...NEW_MAIL, data: { n, text } } });
    if (answer.status === 202) accepted.push(answer.body.ids[0]);
    else {
      assertProblem(answer, "503 store_unavailable");
      assert.equal(answer.headers.get("retry-after"), "1");
      assert.equal(answer.body.pns, "PNS-0002");
      break;
    }
  }
  const ready = await service.call("GET", "/readyz");
  assert.deepEqual([ready.status, ready.body.ready, ready.body.checks.store.ok], [
    503,
    false,
    false,
  ]);
  assert.equal((await service.call("GET", "/livez")).status, 200);
  for (const id of accepted) assert.equal((await service.call("GET", `${PATH}/${id}`)).status, 200);
  await service.end("SIGKILL");

  await service.start();
  assert.match(service.log, new RegExp(`"recovered":${accepted.length}`));
  for (const id of accepted) {
    const { body } = await service.call("GET", `${PATH}/${id}`);
    assert.equal(body.state, "in_flight");
  }
  assert.equal((await service.call("GET", "/readyz")).status, 200);
  await service.publish();
});
