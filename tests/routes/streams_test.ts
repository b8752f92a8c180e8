/** `/v1/stream/acknowledge` as pages of other origins call it. */

import assert from "node:assert/strict";
import { startTestService } from "../support/start_service.ts";

const PATH = "/v1/stream/acknowledge";
const ALLOWED = "https://mail.example";

Deno.test("a page that may open streams may acknowledge their events, and no other page", async () => {
  await using service = await startTestService({
    properties: { "io.carillon.websocket.allowedOrigins": ALLOWED },
  });
  const session = await service.mint();
  const call = (method: string, origin: string) =>
    fetch(`${service.address}${PATH}`, {
      method,
      headers: {
        origin,
        ...(method === "OPTIONS"
          ? { "access-control-request-headers": "authorization,content-type" }
          : { "authorization": `Bearer ${session}`, "content-type": "application/json" }),
      },
      ...(method === "POST" && { body: JSON.stringify({ offset: "1839148079439872" }) }),
    });
  const preflight = await call("OPTIONS", ALLOWED);
  assert.equal(preflight.status, 204);
  assert.equal(
    preflight.headers.get("access-control-allow-headers"),
    "authorization,content-type",
  );
  const answered = await call("POST", ALLOWED);
  assert.equal(answered.headers.get("access-control-allow-origin"), ALLOWED);
  assert.deepEqual([answered.status, (await answered.json()).code], [404, "not_found"]);
  for (const method of ["OPTIONS", "POST"]) {
    const refused = await call(method, "https://evil.example");
    assert.deepEqual([refused.status, (await refused.json()).code], [403, "foreign_origin"]);
    assert.equal(refused.headers.get("access-control-allow-origin"), null);
  }
});
