/** What becomes of a credential in the query, which proxies write to their logs. */

import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { type Answer, assertProblem, NEW_MAIL } from "../support/api.ts";
import { SESSION_SECRET, startTestService, type TestService } from "../support/start_service.ts";

/** One route of each group, with and without the need of a credential. */
const ELSEWHERE = [
  ["POST", "/v1/notifications"],
  ["GET", "/v1/notifications/0190163d-8694-739b-aea5-966c26f8ad90"],
  ["GET", "/v1/subscriptions"],
  ["GET", "/v1/sessions?context=1&user=3"],
  ["GET", "/v1/keys"],
  ["GET", "/v1/contexts/1/config"],
  ["GET", "/v1/explain?context=1&user=3&topic=a"],
  ["GET", "/v1/dead-letters"],
  ["POST", "/v1/admin/reload"],
  ["GET", "/readyz"],
  ["GET", "/metrics"],
  ["GET", "/docs"],
  ["GET", "/v1/nope"],
] as const;

const PNS = ["/ajax/pns?action=subscribe", "/appsuite/api/pns?action=subscribe"];
const BODY = { client: "app", transport: "gcm", token: "t1", topics: ["ox:mail:new"] };
const WHERE = /Authorization: Bearer/;

function withSession(path: string, credential: string): string {
  return `${path}${path.includes("?") ? "&" : "?"}session=${encodeURIComponent(credential)}`;
}

function publisherJwt(): Promise<string> {
  return new SignJWT({ scope: "publish subscribe" }).setProtectedHeader({ alg: "HS256" })
    .setSubject("publisher").setExpirationTime("1h").sign(new TextEncoder().encode(SESSION_SECRET));
}

/** API keys that are valid, of both kinds, and one that is not any more. */
async function apiKeys(service: TestService): Promise<readonly string[]> {
  const { id, secret } = await service.mintKeyOf({ scopes: ["admin"] });
  await service.call("DELETE", `/v1/keys/${id}`);
  return [service.adminKey, await service.mintKey("publish", "subscribe", "read"), secret];
}

function assertPointsToHeader(answer: Answer): void {
  assertProblem(answer, "401 unauthenticated");
  assert.match(answer.body.detail, WHERE);
}

Deno.test("an API key in the query is refused everywhere, also beside a valid header", async () => {
  await using service = await startTestService();
  for (const credential of await apiKeys(service)) {
    for (const [method, path] of ELSEWHERE) {
      const body = method === "POST" ? NEW_MAIL : undefined;
      for (const key of [null, service.adminKey]) {
        const options = { key, body };
        assertPointsToHeader(await service.call(method, withSession(path, credential), options));
      }
    }
  }
});

Deno.test("a session in the query is refused but on the original's paths", async () => {
  await using service = await startTestService();
  const session = await service.mint();
  for (const [method, path] of ELSEWHERE) {
    const body = method === "POST" ? NEW_MAIL : undefined;
    const answer = await service.call(method, withSession(path, session), { key: null, body });
    assertPointsToHeader(answer);
  }
  for (const path of PNS) {
    const options = { key: null, body: BODY };
    const { body } = await service.call("PUT", withSession(path, session), options);
    assert.deepEqual(body, { data: { success: true } });
  }
});

Deno.test("the original's paths refuse API keys and publishers' tokens in the query", async () => {
  await using service = await startTestService();
  const session = await service.mint();
  const credentials = [...await apiKeys(service), await publisherJwt()];
  for (const path of PNS) {
    for (const credential of credentials) {
      for (const key of [null, session]) {
        const options = { key, body: BODY };
        const answer = await service.call("PUT", withSession(path, credential), options);
        assert.deepEqual([answer.status, answer.body.code], [200, "SES-0203"]);
        assert.match(answer.body.error, WHERE);
      }
    }
  }
});

Deno.test("an API key that follows a session in the query is refused too", async () => {
  await using service = await startTestService();
  const key = await service.mintKey("subscribe");
  const path = withSession(withSession(PNS[0]!, await service.mint()), key);
  const { body } = await service.call("PUT", path, { key: null, body: BODY });
  assert.equal(body.code, "SES-0203");
  assert.match(body.error, WHERE);
});

Deno.test("an empty session parameter carries nothing", async () => {
  await using service = await startTestService();
  assert.equal((await service.call("GET", "/v1/keys?session=")).status, 200);
});

Deno.test("a socket's query takes a user's session and no API key", async () => {
  await using service = await startTestService();
  const open = (query: string) =>
    service.call("GET", `/socket.io/appsuite/?EIO=3&transport=polling${query}`, { key: null });
  assert.equal((await open(`&session=${await service.mint()}`)).status, 200);
  for (const credential of [...await apiKeys(service), await publisherJwt()]) {
    const { status, body } = await open(`&session=${encodeURIComponent(credential)}`);
    assert.deepEqual([status, body.code], [403, "forbidden"]);
    assert.match(body.detail, WHERE);
  }
});
