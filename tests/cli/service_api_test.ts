/** What commands say of answers that are not the service's. */

import assert from "node:assert/strict";
import { CliError } from "../../cli/exit_codes.ts";
import { createServiceApi } from "../../cli/service_api.ts";

function apiOf(status: number, body: string) {
  return createServiceApi({
    address: "http://push.example.com",
    fetch: () => Promise.resolve(new Response(body, { status })),
  });
}

async function complaintOf(asked: Promise<unknown>): Promise<string> {
  const thrown = await asked.then(() => undefined, (thrown) => thrown);
  assert.ok(thrown instanceof CliError);
  return thrown.message;
}

Deno.test("an answer that is no JSON is said to come from something else", async () => {
  const said = await complaintOf(apiOf(200, "<html>Welcome</html>").call("GET", "/v1/keys"));
  assert.equal(said, "GET /v1/keys: no JSON: is the service at http://push.example.com?");
});

Deno.test("what only the internal listener has is said to be there", async () => {
  for (const path of ["/metrics", "/v1/admin/reload"]) {
    const said = await complaintOf(apiOf(404, "<html>404 Not Found</html>").text(path));
    assert.match(said, /404 \(a page of a proxy\)\n.*io\.carillon\.internal\.port.*--url/);
  }
  const other = await complaintOf(apiOf(404, '{"detail":"no such key"}').call("GET", "/v1/keys/a"));
  assert.equal(other, "GET /v1/keys/a: 404 no such key");
});
