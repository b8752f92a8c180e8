/** What the ledger says of clients that were away for a moment. */

import assert from "node:assert/strict";
import { startTestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { keptRecord, openReturning } from "./_returning.ts";

Deno.test("what was kept for a client is delivered once the client has reconnected", async () => {
  await using service = await startTestService();
  await using client = await openReturning(service, { session: await service.mint() });
  client.drop();
  const { id, n, state, targets: [kept] } = await keptRecord(service);
  assert.deepEqual([state, kept?.state], ["suppressed", "kept"]);
  await client.comeBack(service);
  const after = await until("the ledger says that it was delivered", async () => {
    const record = await service.settled(id);
    return record.state === "delivered" && record;
  });
  assert.ok(client.heard.includes(n));
  assert.deepEqual(after.targets.map(({ state }) => state), ["sent"]);
  assert.ok(after.targets[0]!.at > kept!.at);
  const { text } = await service.call("GET", "/metrics");
  assert.match(text, /^carillon_deferred_receipts_total 1$/m);
  assert.match(text, /^carillon_notifications_settled_total\{state="suppressed"\} 1$/m);
});

Deno.test("a stop has the ledger hear of a client that has only just come back", async () => {
  const folder = await Deno.makeTempDir({ prefix: "carillon_" });
  const options = { store: `kv:${folder}/data.kv` };
  try {
    let id: string;
    {
      await using service = await startTestService(options);
      await using client = await openReturning(service, { session: await service.mint() });
      client.drop();
      ({ id } = await keptRecord(service));
      await client.comeBack(service);
      await until("it has heard", () => client.heard.length > 0);
    }
    await using service = await startTestService(options);
    assert.equal((await service.settled(id)).state, "delivered");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
