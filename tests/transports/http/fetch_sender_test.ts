import assert from "node:assert/strict";
import { settle } from "../../support/fake_clock.ts";
import { never, ok, rig } from "./_fetch_rig.ts";

Deno.test("FetchSender returns status, headers and text of an answer", async () => {
  const { calls, post } = rig();
  const result = post();
  await settle();
  calls[0]!.answer(new Response("why", { status: 400, headers: { "apns-id": "7" } }));
  const reply = await result;
  assert.ok(reply.kind === "reply");
  assert.equal(reply.status, 400);
  assert.equal(reply.text, "why");
  assert.equal(reply.headers.get("apns-id"), "7");
});

Deno.test("FetchSender never follows a redirect", async () => {
  const { calls, post } = rig();
  const result = post();
  await settle();
  assert.equal(calls[0]!.init.redirect, "manual");
  calls[0]!.answer(new Response(null, { status: 302, headers: { location: "http://10.0.0.1" } }));
  const reply = await result;
  assert.equal(reply.kind === "reply" && reply.status, 302);
});

Deno.test("FetchSender keeps 8 KiB of a body and cancels the rest", async () => {
  const { calls, post } = rig();
  const result = post();
  await settle();
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("x".repeat(5000))),
    cancel: () => void (cancelled = true),
  });
  calls[0]!.answer(new Response(body, { status: 500 }));
  const reply = await result;
  assert.equal(reply.kind === "reply" && reply.text.length, 8192);
  assert.ok(cancelled);
});

Deno.test("FetchSender drops the body of a success unread where it is asked to", async () => {
  const { calls, pool } = rig();
  const texts: string[] = [];
  for (const status of [200, 400]) {
    const request = { headers: {}, body: "{}", signal: never, ignoreSuccessBody: true };
    const result = pool.post("https://p.example/", request);
    await settle();
    calls.at(-1)!.answer(new Response("text", { status }));
    const reply = await result;
    assert.ok(reply.kind === "reply");
    texts.push(reply.text);
  }
  assert.deepEqual(texts, ["", "text"]);
});

Deno.test("FetchSender spreads requests evenly over its clients", async () => {
  const { calls, clients, post } = rig();
  const results = [post(), post(), post(), post()];
  await settle();
  assert.deepEqual(calls.map(({ client }) => clients.indexOf(client)).sort(), [0, 0, 1, 1]);
  calls.forEach((call) => call.answer(ok()));
  await Promise.all(results);
});

Deno.test("FetchSender alternates between its clients when one request follows the other", async () => {
  const { calls, clients, post } = rig();
  for (let round = 0; round < 4; round++) {
    const result = post();
    await settle();
    calls[round]!.answer(ok());
    await result;
  }
  assert.deepEqual(calls.map(({ client }) => clients.indexOf(client)), [0, 1, 0, 1]);
});

Deno.test("FetchSender lets requests above the cap wait, first come first served", async () => {
  const { calls, pool } = rig({ clients: 1 });
  const bodies = ["0", "1", "2", "3"];
  const results = bodies.map((body) =>
    pool.post("https://p.example/", { headers: {}, body, signal: never })
  );
  await settle();
  assert.equal(calls.length, 2);
  for (let index = 0; index < 4; index++) {
    calls[index]!.answer(ok());
    await results[index];
    await settle();
  }
  assert.deepEqual(calls.map(({ init }) => init.body), bodies);
});

Deno.test("FetchSender ends a waiting request when its signal is aborted", async () => {
  const { calls, post } = rig({ clients: 1, maxInFlightPerClient: 1 });
  const first = post();
  const abort = new AbortController();
  const second = post(abort.signal);
  abort.abort();
  const result = await second;
  assert.deepEqual(result.kind === "failed" && [result.fault, result.sent], ["aborted", "no"]);
  calls[0]!.answer(ok());
  await first;
  assert.equal(calls.length, 1);
});

Deno.test("FetchSender does not send at all when the signal is aborted already", async () => {
  const { calls, post } = rig();
  const result = await post(AbortSignal.abort());
  assert.deepEqual(result.kind === "failed" && [result.fault, result.sent], ["aborted", "no"]);
  assert.equal(calls.length, 0);
});

Deno.test("FetchSender says that an aborted request may have been processed", async () => {
  const { post } = rig();
  const abort = new AbortController();
  const result = post(abort.signal);
  await settle();
  abort.abort();
  const failed = await result;
  assert.deepEqual(failed.kind === "failed" && [failed.fault, failed.sent], ["aborted", "unknown"]);
});

Deno.test("FetchSender ends a request after its timeout", async () => {
  const { clock, post } = rig();
  const result = post();
  await clock.advance(10_000);
  const failed = await result;
  assert.deepEqual(failed.kind === "failed" && [failed.fault, failed.sent], ["timeout", "unknown"]);
});

Deno.test("FetchSender counts a body that does not end as a timeout", async () => {
  const { clock, calls, post } = rig();
  const result = post();
  await settle();
  const { signal } = calls[0]!.init;
  const body = new ReadableStream({
    start: (controller) =>
      signal!.addEventListener("abort", () => controller.error(new DOMException("", "AbortError"))),
  });
  calls[0]!.answer(new Response(body));
  await clock.advance(10_000);
  const failed = await result;
  assert.equal(failed.kind === "failed" && failed.fault, "timeout");
});

Deno.test("FetchSender leaves no timer behind", async () => {
  const { clock, calls, post } = rig();
  const result = post();
  await settle();
  calls[0]!.answer(ok());
  await result;
  assert.equal(clock.timers, 0);
});
