/** `clients/js` as its callers use it, against the service and against servers that misbehave. */

import assert from "node:assert/strict";
import { Carillon, CarillonError, stream, type StreamEvent } from "../../clients/js/src/mod.ts";
import { startTestService, type TestService } from "../support/start_service.ts";
import { until } from "../support/until.ts";
import { clientTypes, TYPES_FILE } from "./_client_types.ts";

const MAIL = { context: "1", user: "3", topic: "ox:mail:new", data: { id: "113" } };

/** Streams end a moment after they were aborted. */
const STREAMING = { sanitizeOps: false, sanitizeResources: false };

function clientOf(service: TestService, credential: string): Carillon {
  return new Carillon({ url: service.address, credential, firstPauseMs: 1 });
}

/** A server that answers with what `answer` says, and keeps the requests. */
function serve(answer: (count: number, request: Request) => Response | Promise<Response>) {
  const requests: { readonly headers: Headers; readonly body: string }[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      requests.push({ headers: request.headers, body: await request.text() });
      return await answer(requests.length, request);
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const client = new Carillon({ url, credential: "key", firstPauseMs: 1 });
  return { client, requests, [Symbol.asyncDispose]: () => server.shutdown() };
}

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  const body = { type: "", title: "", status, code, detail: `It is ${code}`, faults: [] };
  return Response.json(body, { status, headers });
}

Deno.test("the types of the JavaScript client are those of the OpenAPI document", async () => {
  const types = await clientTypes();
  assert.ok(await Deno.readTextFile(TYPES_FILE) === types, "run 'deno task client'");
});

Deno.test("the JavaScript client publishes, and says what became of it", async () => {
  await using service = await startTestService();
  const client = clientOf(service, await service.mintKey("publish", "read"));
  const id = await client.publish(MAIL);
  await service.settled(id);
  const { state, topic } = await client.notification(id);
  assert.deepEqual([state, topic], ["suppressed", "ox:mail:new"]);
});

Deno.test("the JavaScript client mints and revokes sessions, subscribes and unsubscribes", async () => {
  await using service = await startTestService();
  const client = clientOf(service, service.adminKey);
  const { id, token } = await client.mintSession({ context: 1, user: "3" }, { ttl: 60 });
  const ofUser = clientOf(service, token);
  const subscription = await ofUser.subscribe({
    ...{ client: "myiosclient", transport: "apn", topics: ["*"], token: "ab".repeat(32) },
  });
  await ofUser.unsubscribe(subscription.id);
  await client.revokeSession(id);
  await assert.rejects(ofUser.unsubscribe(subscription.id), { code: "unauthenticated" });
});

Deno.test("a refusal is an error with the service's code and faults", async () => {
  await using service = await startTestService();
  const client = clientOf(service, service.adminKey);
  const error = await client.publish({ ...MAIL, topic: "no topic" }).catch((thrown) => thrown);
  assert.ok(error instanceof CarillonError);
  assert.deepEqual([error.code, error.status], ["invalid_topic", 400]);
  assert.deepEqual(error.faults.map(({ path }) => path), ["topic"]);
});

Deno.test("a publish is repeated with the same key until it is accepted", async () => {
  await using server = serve((count) =>
    count < 3 ? problem(503, "buffer_full") : Response.json({ ids: ["a"] }, { status: 202 })
  );
  assert.equal(await server.client.publish(MAIL), "a");
  const keys = server.requests.map(({ headers }) => headers.get("idempotency-key"));
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.match(keys[0]!, /^[\w-]{36}$/);
  assert.deepEqual(new Set(server.requests.map(({ body }) => body)).size, 1);
});

Deno.test("a publish is given up after its attempts, and what is refused for good at once", async () => {
  await using busy = serve(() => problem(429, "too_many_requests"));
  await assert.rejects(busy.client.publish(MAIL), { code: "too_many_requests" });
  assert.equal(busy.requests.length, 5);
  await using strict = serve(() => problem(400, "invalid_request"));
  await assert.rejects(strict.client.publish(MAIL), { code: "invalid_request" });
  assert.equal(strict.requests.length, 1);
});

Deno.test("a request without an idempotency key is not repeated where it changes something", async () => {
  await using server = serve(() => problem(503, "store_unavailable"));
  await assert.rejects(server.client.mintSession({ context: "1", user: "3" }));
  assert.equal(server.requests.length, 1);
  await assert.rejects(server.client.notification("x"));
  assert.equal(server.requests.length, 6);
});

Deno.test("an answer of a proxy, and none at all, are errors of the same kind", async () => {
  await using proxy = serve(() => new Response("<h1>Bad Gateway</h1>", { status: 404 }));
  await assert.rejects(proxy.client.publish(MAIL), { code: "http", status: 404 });
  const nobody = new Carillon({ url: "http://127.0.0.1:1", credential: "k", retries: 0 });
  await assert.rejects(nobody.publish(MAIL), { code: "unreachable", status: 0 });
});

Deno.test("a batch of any size goes out in requests that the service takes", async () => {
  await using service = await startTestService({
    properties: { "io.carillon.publish.maxPerSecondPerKey": 0 },
  });
  const client = clientOf(service, service.adminKey);
  const many = Array.from({ length: 1500 }, (_, n) => ({ ...MAIL, user: `${n}`, data: { n } }));
  const ids = await client.publishBatch(many, { idempotencyKey: "once" });
  assert.equal(new Set(ids).size, 1500);
  assert.deepEqual(await client.publishBatch(many, { idempotencyKey: "once" }), ids);
  const large = many.slice(0, 250).map((one) => ({ ...one, data: { text: "x".repeat(4000) } }));
  assert.equal((await client.publishBatch(large)).length, 250);
  assert.deepEqual(await client.publishBatch([]), []);
});

Deno.test("a stream asks for another session when its own has ended", STREAMING, async () => {
  await using service = await startTestService();
  let asked = 0;
  const states: string[] = [];
  const ending = new AbortController();
  const events: StreamEvent[] = [];
  async function read() {
    const opened = stream({
      ...{ url: service.address, signal: ending.signal },
      session: () => (asked++, service.mint()),
      onState: ({ state }) => void states.push(state),
    });
    for await (const event of opened) events.push(event);
  }
  const reading = read();
  await until("it is open", () => states.length === 1);
  await service.call("DELETE", "/v1/sessions?context=1&user=3");
  await service.publish({ ...MAIL, data: { n: 1 } });
  await until("it has the event all the same", () => events.length === 1);
  assert.equal(asked, 2);
  assert.deepEqual(states, ["open", "reconnecting", "open"]);
  ending.abort();
  await reading;
});

Deno.test("a stream fails where a new session is refused", STREAMING, async () => {
  await using service = await startTestService();
  const opened = stream({ url: service.address, session: () => "ses_wrong" });
  await assert.rejects(opened.next(), { code: "unauthenticated" });
});

Deno.test(
  "a stream's event can be acknowledged where its publisher asks for it",
  STREAMING,
  async () => {
    await using service = await startTestService();
    const states: string[] = [];
    const events = stream({
      ...{ url: service.address, session: () => service.mint(), connection: "tab" },
      onState: ({ state }) => void states.push(state),
    });
    const first = events.next();
    await until("it is open", () => states.length === 1);
    const id = await service.publish({ collapseKey: "mail-1", receipts: true });
    await service.publish({ data: { n: 2 } });
    const { value: asking } = await first;
    const { value: plain } = await events.next();
    assert.ok(asking?.type === "event" && plain?.type === "event");
    assert.equal(asking.collapseKey, "mail-1");
    assert.deepEqual(Object.keys(plain).sort(), ["data", "offset", "topic", "type"]);
    await asking.acknowledge!();
    await asking.acknowledge!("seen");
    await until("both are in the record", async () => {
      const { body } = await service.call("GET", `/v1/notifications/${id}`);
      const kinds = body.receipts?.map(({ kind }: { readonly kind: string }) => kind) ?? [];
      return kinds.join() === "delivered,seen";
    });
    await service.call("DELETE", "/v1/sessions?context=1&user=3");
    await assert.rejects(asking.acknowledge!(), { code: "unauthenticated" });
    await events.return();
  },
);

Deno.test("a stream continues after an offset in another process", STREAMING, async () => {
  await using service = await startTestService();
  const session = await service.mint();
  async function take(count: number, after?: string): Promise<readonly StreamEvent[]> {
    const events: StreamEvent[] = [];
    const opened = stream({
      ...{ url: service.address, session: () => session, connection: "worker" },
      ...(after !== undefined && { after }),
      onState: async () => {
        if (after === undefined) { for (const n of [1, 2]) await service.publish({ data: { n } }); }
      },
    });
    for await (const event of opened) {
      events.push(event);
      if (events.length === count) break;
    }
    return events;
  }
  const [first] = await take(1);
  const [second] = await take(1, first!.offset);
  assert.deepEqual([first, second].map((event) => event!.type === "event" && event!.data.n), [
    1,
    2,
  ]);
});
