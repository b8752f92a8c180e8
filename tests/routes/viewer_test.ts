/** A key with scope `read` changes nothing by the API, whichever route the router has. */

import assert from "node:assert/strict";
import { startTestService } from "../support/start_service.ts";

const ID = "0192aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa";
const CHANGES = ["post", "put", "patch", "delete"];
/** Routes whose credential is not an API key's scope: what they check is named. */
const OTHERS: Readonly<Record<string, string>> = {
  "POST /v1/receipts": "the notification's own token",
  "POST /v1/open-xchange/webhook": "the secret of the webhook",
  "POST /api/v1/webhook": "the secret of the webhook",
  "PUT /ajax/pns": "a user's session",
  "POST /v1/inbox/read": "a user's session",
};

Deno.test("a key with scope read is refused every route that changes something", async () => {
  await using service = await startTestService();
  const { body: { paths } } = await service.call("GET", "/openapi.json");
  const key = await service.mintKey("read");
  const faults: string[] = [];
  let asked = 0;
  for (const [path, methods] of Object.entries<Record<string, unknown>>(paths)) {
    for (const method of Object.keys(methods).filter((each) => CHANGES.includes(each))) {
      const name = `${method.toUpperCase()} ${path}`;
      if (name in OTHERS) continue;
      const target = path.replace(/\{(context|user|client|group)\}/g, "1")
        .replace(/\{[^}]+\}/g, ID);
      const { status, text, body } = await service.call(method.toUpperCase(), target, {
        key,
        body: {},
      });
      // The original's API answers faults with 200.
      if (status !== 403 && body?.code !== "PNS-0012") faults.push(`${name}: ${status} ${text}`);
      asked++;
    }
  }
  assert.deepEqual(faults, []);
  assert.ok(asked >= 20, `only ${asked} routes were asked`);
});
