/**
 * Requests made from the service's own OpenAPI document and spoiled. Whatever comes, the answer is
 * one that the document describes, nothing breaks, and nothing is held afterwards.
 */

import assert from "node:assert/strict";
import { ADMIN_KEY, startTestService, type TestService } from "../support/start_service.ts";
import { fuzz, heldBytes } from "./_fuzz.ts";
import {
  assertDescribed,
  assertErrorBody,
  type FuzzAnswer,
  type Operation,
  operationsOf,
} from "./_operations.ts";
import { type FuzzRequest, requestOf } from "./_requests.ts";

const CASES = 20_000;
const MIB = 2 ** 20;

/** What a service may hold after all this: what it has accepted, and what fits in its caches. */
const MAX_GROWTH_BYTES = 96 * MIB;

Deno.test("every answer is one that the OpenAPI document describes, whatever is asked", async () => {
  await using service = await startTestService({
    properties: { "io.carillon.openxchange.webhook.secrets": `Bearer ${ADMIN_KEY}` },
  });
  const { body: document } = await service.call("GET", "/openapi.json");
  // A node that leaves answers nothing any more.
  const operations = operationsOf(document).filter(({ path }) => path !== "/v1/admin/drain");
  const ids: string[] = ["0190163d-8694-739b-aea5-966c26f8ad90"];
  const material = {
    schemas: document.components.schemas,
    credentials: [
      ...Array(8).fill(ADMIN_KEY),
      await service.mintKey("publish", "subscribe"),
      (await service.mintKeyOf({ scopes: ["admin", "read"], contexts: ["1"] })).secret,
      await service.mint("unnamed", "1"),
    ],
    // Of a user whom no request names: otherwise the first one to revoke it ends this part.
    session: await service.mint("unnamed", "1"),
    ids,
  };
  const before = heldBytes();
  const statuses = new Map<number, number>();
  await fuzz({ cases: CASES, atOnce: 8 }, async (dice) => {
    const operation = dice.pick(operations);
    const request = requestOf(operation, { dice, material });
    const answer = await send(service, request);
    try {
      assertAnswer(answer, { operation, request });
    } catch (cause) {
      throw new Error(`${(cause as Error).message}\n${textOf(request)}`, { cause });
    }
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    remember(answer.text, ids);
  });
  const broken = service.log.filter((line) => line.includes("failed unexpectedly"));
  assert.deepEqual(broken, []);
  // A fuzz that only ever hears "no" tests no more than the first check.
  for (const status of [200, 201, 202, 204, 400, 401, 403, 404, 405, 413, 415]) {
    assert.ok((statuses.get(status) ?? 0) > 0, `${status}: ${JSON.stringify([...statuses])}`);
  }
  const grown = heldBytes() - before;
  assert.ok(grown < MAX_GROWTH_BYTES, `${Math.round(grown / MIB)} MiB are held`);
  await service.publish();
});

async function send(service: TestService, request: FuzzRequest): Promise<FuzzAnswer> {
  const { method, path, headers, body } = request;
  const response = await fetch(`${service.address}${path}`, {
    ...{ method, headers, redirect: "manual" },
    ...(body && { body }),
  });
  const type = (response.headers.get("content-type") ?? "").split(";")[0]!;
  if (type === "text/event-stream") {
    // It never ends.
    await response.body!.cancel();
    return { status: response.status, type, text: "" };
  }
  return { status: response.status, type, text: await response.text() };
}

function assertAnswer(
  answer: FuzzAnswer,
  { operation, request }: { readonly operation: Operation; readonly request: FuzzRequest },
): void {
  if (!request.isAstray) return assertDescribed(answer, operation);
  assert.ok(answer.status >= 200 && answer.status < 500, `status ${answer.status}`);
  if (answer.status >= 400 && request.method !== "HEAD") assertErrorBody(answer);
}

/** Keeps a few ids of what was made, so that later requests find it. */
function remember(text: string, ids: string[]): void {
  const id = /^\{"ids?":\[?"([^"]+)"/.exec(text)?.[1];
  if (id === undefined) return;
  if (ids.length >= 50) ids.shift();
  ids.push(id);
}

function textOf({ method, path, headers, body }: FuzzRequest): string {
  const text = body ? new TextDecoder().decode(body.subarray(0, 1000)) : "";
  return `${method} ${path.slice(0, 500)} ${JSON.stringify(headers).slice(0, 500)}\n${text}`;
}
