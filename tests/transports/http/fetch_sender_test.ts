import assert from "node:assert/strict";
import { FetchSender, type FetchSenderOptions } from "../../../transports/http/fetch_sender.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { startH2Server } from "./_h2_servers.ts";

interface Call {
  readonly client: FakeClient;
  readonly init: RequestInit;
  answer(response: Response): void;
  fail(error: Error): void;
}

class FakeClient {
  closed = 0;
  close() {
    this.closed++;
  }
}

const never = new AbortController().signal;

/** A pool whose requests a test answers one by one. */
function rig(options: Partial<FetchSenderOptions> = {}) {
  const clock = new FakeClock();
  const calls: Call[] = [];
  const clients: FakeClient[] = [];
  const pool = new FetchSender({
    clients: 2,
    maxInFlightPerClient: 2,
    timeoutMs: 10_000,
    clock,
    warmUp: false,
    createClient() {
      const client = new FakeClient();
      clients.push(client);
      return client as unknown as Deno.HttpClient;
    },
    fetch: ((_url: string, init: RequestInit & { client: FakeClient }) => {
      const { promise, resolve, reject } = Promise.withResolvers<Response>();
      init.signal!.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      calls.push({ client: init.client, init, answer: resolve, fail: reject });
      return promise;
    }) as typeof fetch,
    ...options,
  });
  const post = (signal: AbortSignal = never) =>
    pool.post("https://p.example/", { headers: {}, body: "{}", signal });
  return { clock, calls, clients, pool, post };
}

function ok() {
  return new Response(null, { status: 200 });
}

function failedWith(text: string) {
  return new TypeError("fetch failed", { cause: new Error(text) });
}

Deno.test("FetchSender hands over status, headers and text of an answer", async () => {
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

Deno.test("FetchSender drops the body of a success unread where it is told to", async () => {
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

Deno.test("FetchSender uses its clients in turn when one request follows the other", async () => {
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

Deno.test("FetchSender gives up a waiting request when its signal is aborted", async () => {
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

Deno.test("FetchSender gives up a request after its timeout", async () => {
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

Deno.test("FetchSender replaces a client after three timeouts in a row", async () => {
  const { clock, clients, post } = rig({ clients: 1 });
  for (let round = 0; round < 3; round++) {
    assert.equal(clients.length, 1);
    const result = post();
    await clock.advance(10_000);
    await result;
  }
  assert.equal(clients.length, 2);
  assert.equal(clients[0]!.closed, 1);
  assert.equal(clients[1]!.closed, 0);
});

Deno.test("FetchSender replaces a client after three requests that their callers gave up", async () => {
  const { clients, post } = rig({ clients: 1, maxInFlightPerClient: 3 });
  const deadline = new AbortController();
  const results = [post(deadline.signal), post(deadline.signal), post(deadline.signal)];
  await settle();
  deadline.abort();
  await Promise.all(results);
  assert.deepEqual(clients.map(({ closed }) => closed), [1, 0]);
});

Deno.test("FetchSender keeps a client that answered between timeouts", async () => {
  const { clock, calls, clients, post } = rig({ clients: 1 });
  for (const answered of [false, false, true, false, false]) {
    const result = post();
    await settle();
    if (answered) calls.at(-1)!.answer(ok());
    else await clock.advance(10_000);
    await result;
  }
  assert.equal(clients.length, 1);
});

Deno.test("FetchSender closes a replaced client only after its last request", async () => {
  const { calls, clients, pool, post } = rig({ clients: 1 });
  const slow = post();
  await settle();
  pool.renew();
  assert.equal(clients[0]!.closed, 0);
  const next = post();
  await settle();
  assert.equal(calls[1]!.client, clients[1]);
  calls[0]!.answer(ok());
  await slow;
  assert.equal(clients[0]!.closed, 1);
  calls[1]!.answer(ok());
  await next;
});

Deno.test("FetchSender sends the first request on a connection alone, then fans out", async () => {
  const { calls, post } = rig({ clients: 1, maxInFlightPerClient: 3, warmUp: true });
  const results = [post(), post(), post(), post()];
  await settle();
  assert.equal(calls.length, 1);
  calls[0]!.answer(ok());
  await settle();
  assert.equal(calls.length, 4);
  calls.slice(1).forEach((call) => call.answer(ok()));
  await Promise.all(results);
});

Deno.test("FetchSender warms a connection again after the old one broke", async () => {
  const { calls, post } = rig({ clients: 1, maxInFlightPerClient: 3, warmUp: true });
  const first = post();
  await settle();
  calls[0]!.answer(ok());
  await first;
  const broken = post();
  await settle();
  calls[1]!.fail(failedWith("stream closed because of a broken pipe"));
  await broken;
  const results = [post(), post()];
  await settle();
  assert.equal(calls.length, 3);
  calls[2]!.answer(ok());
  await settle();
  calls[3]!.answer(ok());
  await Promise.all(results);
});

Deno.test("FetchSender tries the next request when the one that warms fails", async () => {
  const { calls, post } = rig({ clients: 1, warmUp: true });
  const results = [post(), post()];
  await settle();
  calls[0]!.fail(failedWith("client error (Connect): tcp connect error"));
  await settle();
  calls[1]!.answer(ok());
  assert.deepEqual((await Promise.all(results)).map(({ kind }) => kind), ["failed", "reply"]);
});

Deno.test("FetchSender adds connections one after the other while all are full", async () => {
  const { calls, clients, post } = rig({
    ...{ clients: 1, maxClients: 3, maxInFlightPerClient: 2, warmUp: true },
  });
  const results = Array.from({ length: 8 }, () => post());
  await settle();
  assert.equal(clients.length, 1, "no other while the first is warmed");
  calls[0]!.answer(ok());
  await settle();
  assert.equal(clients.length, 2, "the next one is opened, and warmed alone");
  assert.equal(calls.length, 1 + 2 + 1);
  calls[3]!.answer(ok());
  await settle();
  assert.equal(clients.length, 3);
  for (let index = 1; index < 8; index++) {
    calls[index]?.answer(ok());
    await settle();
  }
  await Promise.all(results);
  assert.equal(clients.length, 3, "never more than allowed");
});

Deno.test("FetchSender adds no connection while it is the CPU that holds things up", async () => {
  let isCpuBound = true;
  const { calls, clients, post } = rig({
    ...{ clients: 1, maxClients: 2, maxInFlightPerClient: 1, isCpuBound: () => isCpuBound },
  });
  const results = [post(), post(), post()];
  await settle();
  calls[0]!.answer(ok());
  await settle();
  assert.equal(clients.length, 1);
  isCpuBound = false;
  calls[1]!.answer(ok());
  await settle();
  results.push(post());
  await settle();
  assert.equal(clients.length, 2);
  for (const call of calls) call.answer(ok());
  await Promise.all(results);
});

Deno.test("FetchSender ends when its last request has ended", async () => {
  const { calls, clients, pool, post } = rig({ clients: 2, maxInFlightPerClient: 1 });
  const under = [post(), post()];
  const waiting = post();
  await settle();
  let ended = false;
  const end = pool[Symbol.asyncDispose]().then(() => ended = true);
  assert.equal((await waiting).kind, "failed");
  assert.equal((await post()).kind, "failed");
  calls[0]!.answer(ok());
  await settle();
  assert.equal(ended, false);
  calls[1]!.answer(ok());
  await Promise.all([...under, end]);
  assert.deepEqual(clients.map(({ closed }) => closed), [1, 1]);
});

Deno.test("FetchSender closes the clients it made when one cannot be made", () => {
  const made = new FakeClient();
  const createClient = () => {
    if (made.closed < 0) throw new Error("KeyMismatch");
    made.closed = -1;
    return made as unknown as Deno.HttpClient;
  };
  assert.throws(() => rig({ createClient }), /KeyMismatch/);
  assert.equal(made.closed, 0);
});

Deno.test("FetchSender keeps to one connection and to the server's limit of streams", async () => {
  const pair = await makeCertificate();
  let open = 0;
  let most = 0;
  const server = await startH2Server(
    { ...pair, settings: { maxConcurrentStreams: 5 } },
    (stream) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        stream.respond({ ":status": 200 });
        stream.end();
      }, 1);
    },
  );
  {
    await using pool = new FetchSender({
      clients: 1,
      maxInFlightPerClient: 40,
      timeoutMs: 10_000,
      clock: new FakeClock(),
      warmUp: true,
      fetch,
      createClient: () => Deno.createHttpClient({ http1: false, caCerts: [pair.cert] }),
    });
    const results = await Promise.all(
      Array.from(
        { length: 100 },
        () => pool.post(`${server.origin}/x`, { headers: {}, body: "{}", signal: never }),
      ),
    );
    assert.ok(results.every((result) => result.kind === "reply" && result.status === 200));
  }
  assert.equal(server.sessions(), 1);
  assert.ok(most <= 5, `${most} streams at once`);
  await server[Symbol.asyncDispose]();
});
