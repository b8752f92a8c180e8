import assert from "node:assert/strict";
import { assertProblem } from "../support/api.ts";
import { startTestService } from "../support/start_service.ts";

Deno.test("the list of notifications is paged, filtered, and has the newest first", async () => {
  await using service = await startTestService();
  const ids: string[] = [];
  for (const user of ["3", "4", "3"]) {
    ids.push(await service.publish({ user, data: { folder: "a", id: `${ids.length}` } }));
  }
  for (const id of ids) await service.settled(id);
  const first = await service.call("GET", "/v1/notifications?limit=2");
  assert.deepEqual(first.body.items.map(({ id }: { id: string }) => id), [ids[2], ids[1]]);
  const second = await service.call("GET", `/v1/notifications?limit=2&cursor=${first.body.next}`);
  assert.deepEqual(second.body.items.map(({ id }: { id: string }) => id), [ids[0]]);
  assert.equal(second.body.next, undefined);
  const filtered = await service.call(
    "GET",
    "/v1/notifications?context=1&user=4&topic=ox:mail:*&state=suppressed",
  );
  assert.deepEqual(filtered.body.items.map(({ id }: { id: string }) => id), [ids[1]]);
  assert.equal(filtered.body.items[0].reason, "no_subscription");
});

Deno.test("the list of notifications shows a key the notifications of its contexts only", async () => {
  await using service = await startTestService();
  await service.settled(await service.publish({ context: "1" }));
  const mine = await service.publish({ context: "2" });
  await service.settled(mine);
  const { secret: key } = await service.mintKeyOf({ scopes: ["read"], contexts: ["2"] });
  const { body } = await service.call("GET", "/v1/notifications", { key });
  assert.deepEqual(body.items.map(({ id }: { id: string }) => id), [mine]);
  assertProblem(await service.call("GET", "/v1/notifications?context=1", { key }), "403 forbidden");
  const publisher = await service.mintKey("publish");
  assertProblem(
    await service.call("GET", "/v1/notifications", { key: publisher }),
    "403 forbidden",
  );
  const cases = ["?limit=0", "?cursor=x", "?state=lost", "?topic=ox.mail", "?colour=red"];
  for (const query of cases) {
    const { status } = await service.call("GET", `/v1/notifications${query}`);
    assert.equal(status, 400, query);
  }
});

Deno.test("those that were merged into a notification are listed for it", async () => {
  await using service = await startTestService({
    properties: { "com.openexchange.pns.delayDuration": 300 },
  });
  const mail = { data: { folder: "a", id: "1" } };
  const ids = await service.publishAll([mail, { data: { folder: "a", id: "2" } }, mail, mail]);
  const [first, other, second, last] = ids;
  for (const id of ids) await service.settled(id);
  const merged = async (id = "") => {
    const { body } = await service.call("GET", `/v1/notifications/${id}/merged`);
    return body.items.map((item: { id: string; mergedInto: string }) => {
      assert.equal(item.mergedInto, id);
      return item.id;
    });
  };
  assert.deepEqual(await merged(last), [second, first]);
  assert.deepEqual(await merged(other), []);
  const key = await service.mintKeyOf({ scopes: ["read"], contexts: ["9"] });
  assertProblem(
    await service.call("GET", `/v1/notifications/${last}/merged`, { key: key.secret }),
    "403 forbidden",
  );
});
