import assert from "node:assert/strict";
import { Validator } from "npm:@seriousme/openapi-schema-validator@2.11.0";
import { startTestService, type TestService } from "../support/start_service.ts";

interface Operation {
  readonly responses: Readonly<Record<string, unknown>>;
  readonly security: readonly unknown[];
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

const ID = "0190163d-8694-739b-aea5-966c26f8ad90";

async function documentOf(service: TestService) {
  const { status, body } = await service.call("GET", "/openapi.json", { key: null });
  assert.equal(status, 200);
  return body;
}

function operationsOf(paths: Paths): readonly (readonly [string, string, Operation])[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, one]) => [method.toUpperCase(), path, one] as const)
  );
}

Deno.test("/openapi.json is valid OpenAPI 3.1", async () => {
  await using service = await startTestService();
  const document = await documentOf(service);
  assert.equal(document.openapi, "3.1.0");
  const { valid, errors } = await new Validator().validate(document);
  assert.ok(valid, JSON.stringify(errors));
});

Deno.test("every described path is there", async () => {
  await using service = await startTestService();
  const { paths } = await documentOf(service);
  const missing: string[] = [];
  for (const [method, path] of operationsOf(paths)) {
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name) => name === "id" ? ID : "1");
    const { status, body } = await service.call(method, url, { key: null });
    if (status === 405 || (status === 404 && /Cannot find \//.test(body?.detail))) {
      missing.push(`${method} ${path}`);
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("every route of the API is described", async () => {
  await using service = await startTestService();
  const { paths } = await documentOf(service);
  const described = new Set(operationsOf(paths).map(([method, path]) => `${method} ${path}`));
  const expected = [
    "POST /v1/notifications",
    "GET /v1/notifications",
    "GET /v1/notifications/{id}",
    "POST /v1/subscriptions",
    "GET /v1/subscriptions",
    "GET /v1/subscriptions/{id}",
    "DELETE /v1/subscriptions/{id}",
    "POST /v1/subscriptions/{id}/test",
    "GET /v1/stream",
    "GET /v1/inbox",
    "POST /v1/inbox/read",
    "GET /v1/webpush/{client}/key",
    "DELETE /v1/notifications/{id}",
    "POST /v1/notifications/{id}/dismiss",
    "POST /v1/receipts",
    "GET /v1/events",
    "GET /v1/notifications/{id}/merged",
    "GET /v1/notifications/{id}/users",
    "GET /v1/groups/{context}",
    "DELETE /v1/groups/{context}/{group}",
    ...["GET", "POST", "DELETE"].map((method) => `${method} /v1/groups/{context}/{group}/members`),
    "POST /v1/stream/acknowledge",
    "POST /v1/sessions",
    "GET /v1/sessions",
    "DELETE /v1/sessions",
    "DELETE /v1/sessions/{id}",
    "POST /v1/keys",
    "GET /v1/keys",
    "DELETE /v1/keys/{id}",
    ...["GET", "PUT", "PATCH", "DELETE"].flatMap((method) => [
      `${method} /v1/contexts/{context}/config`,
      `${method} /v1/contexts/{context}/users/{user}/config`,
    ]),
    "POST /v1/open-xchange/webhook",
    "POST /api/v1/webhook",
    "GET /v1/explain",
    "GET /v1/config/server",
    "GET /v1/config/user",
    "GET /v1/status",
    "GET /v1/sockets",
    "GET /v1/dead-letters",
    "POST /v1/dead-letters/{id}/replay",
    "POST /v1/dead-letters/replay",
    "GET /v1/admin/node",
    "POST /v1/admin/reload",
    "POST /v1/admin/drain",
    "PUT /ajax/pns",
    "PUT /appsuite/api/pns",
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
  ];
  assert.deepEqual([...described].sort(), expected.sort());
});

Deno.test("the document marks routes that need a credential", async () => {
  await using service = await startTestService({
    properties: { "io.carillon.openxchange.webhook.secrets": "secret" },
  });
  const { paths } = await documentOf(service);
  for (const [method, path, { security, responses }] of operationsOf(paths)) {
    const { status } = await service.call(method, path.replaceAll(/\{\w+\}/g, ID), { key: null });
    const isPublic = path === "/v1/webpush/{client}/key";
    // Its credential is in the body.
    const isReceipt = path === "/v1/receipts";
    const isOpen = isPublic || isReceipt || ["/livez", "/readyz"].includes(path);
    assert.equal(security.length > 0, !isOpen, `${method} ${path}`);
    // Also the open ones refuse a credential in their query.
    assert.ok("401" in responses, `${method} ${path}`);
    // The original's clients are answered in its own envelope.
    const expected = isReceipt ? 415 : isPublic ? 404 : isOpen || path.endsWith("/pns") ? 200 : 401;
    assert.equal(status, expected, `${method} ${path}`);
  }
});

Deno.test("what is answered to a wrong path or query is described", async () => {
  await using service = await startTestService();
  const { paths } = await documentOf(service);
  const cases = [
    ["GET", "/v1/subscriptions", "?cursor=x"],
    ["GET", "/v1/sessions", "?context=1&user=3&x=1"],
    ["DELETE", "/v1/sessions", ""],
    ["GET", "/v1/dead-letters", "?transport=pigeon"],
    ["GET", "/v1/contexts/{context}/config", ""],
    ["DELETE", "/v1/contexts/{context}/config", ""],
    ["GET", "/v1/contexts/{context}/users/{user}/config", ""],
    ["DELETE", "/v1/contexts/{context}/users/{user}/config", ""],
    ["GET", "/livez", "?session=x"],
    ["GET", "/v1/webpush/{client}/key", "?session=x"],
  ] as const;
  for (const [method, path, query] of cases) {
    const { status } = await service.call(method, path.replaceAll(/\{\w+\}/g, "%00") + query);
    assert.equal(status, query.startsWith("?session") ? 401 : 400, `${method} ${path}${query}`);
    assert.ok(status in paths[path][method.toLowerCase()].responses, `${method} ${path}`);
  }
});

Deno.test("/docs loads nothing from elsewhere, and everything that it loads is there", async () => {
  await using service = await startTestService();
  const { text, headers } = await service.call("GET", "/docs", { key: null });
  assert.match(headers.get("content-type")!, /^text\/html/);
  assert.match(headers.get("content-security-policy")!, /default-src 'none'.*connect-src 'self'/);
  const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!);
  assert.equal(links.length, 3);
  for (const link of links) {
    assert.match(link, /^\/docs\//);
    const { status, text: content } = await service.call("GET", link, { key: null });
    assert.equal(status, 200, link);
    assert.ok(content.length > 0, link);
  }
  const { text: start } = await service.call("GET", "/docs/start.js", { key: null });
  assert.match(start, /"\/openapi\.json"/);
});
