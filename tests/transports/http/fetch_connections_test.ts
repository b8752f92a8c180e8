import assert from "node:assert/strict";
import { FetchSender } from "../../../transports/http/fetch_sender.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { failedWith, FakeClient, never, ok, rig } from "./_fetch_rig.ts";
import { startH2Server } from "./_h2_servers.ts";

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

Deno.test("FetchSender replaces a client after three requests that their callers aborted", async () => {
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

Deno.test("FetchSender warms up the new connection after the old one broke", async () => {
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

Deno.test("FetchSender adds no connection while the CPU is the bottleneck", async () => {
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
