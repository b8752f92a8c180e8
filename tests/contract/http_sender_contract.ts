/** What every way to call a provider promises, over real connections. Run for each engine. */

import assert from "node:assert/strict";
import http2 from "node:http2";
import { settle } from "../support/fake_clock.ts";
import type { MakeEngine } from "../transports/http/_engines.ts";
import { startH2Server } from "../transports/http/_h2_servers.ts";
import { brief, pair, senderRig, TIMEOUT_MS, TOKEN } from "./_http_sender_rig.ts";

/** Registers the tests. */
export function httpSenderContract(engine: string, makeEngine: MakeEngine): void {
  const rigAt = (origin: string, more: { connections?: number; caCerts?: string[] } = {}) =>
    senderRig(makeEngine, { origin, ...more });

  function test(name: string, run: () => Promise<void>): void {
    Deno.test(`${engine}: ${name}`, run);
  }

  test("an answer is handed over with status, headers and text", async () => {
    await using server = await startH2Server(pair, (stream) => {
      stream.respond({ ":status": 400, "apns-id": "7", "x-long": "ä".repeat(200) });
      stream.end('{"reason":"Grün"}');
    });
    await using rig = rigAt(server.origin);
    const reply = await rig.post();
    assert.ok(reply.kind === "reply");
    assert.equal(reply.status, 400);
    assert.equal(reply.text, '{"reason":"Grün"}');
    assert.equal(reply.headers.get("apns-id"), "7");
    assert.equal(reply.headers.get("retry-after"), null);
  });

  test("method, path, headers and body arrive as they were given", async () => {
    const seen: [http2.IncomingHttpHeaders, string][] = [];
    await using server = await startH2Server(pair, async (stream, headers) => {
      seen.push([headers, await textOf(stream)]);
      stream.respond({ ":status": 200 });
      stream.end();
    });
    await using rig = rigAt(server.origin);
    const headers = { authorization: `bearer ${"x".repeat(300)}`, "apns-topic": "com.example" };
    await rig.post({ headers, body: "€ and more" });
    const [[got, body]] = seen as [[http2.IncomingHttpHeaders, string]];
    assert.equal(got[":method"], "POST");
    assert.equal(got[":path"], `/3/device/${TOKEN}`);
    assert.equal(got[":scheme"], "https");
    assert.equal(got[":authority"], new URL(server.origin).host);
    assert.equal(got.authorization, headers.authorization);
    assert.equal(got["apns-topic"], "com.example");
    assert.equal(got["content-length"], "12");
    assert.equal(body, "€ and more");
  });

  test("a body larger than any window of flow control arrives whole", async () => {
    const lengths: number[] = [];
    await using server = await startH2Server(pair, async (stream) => {
      lengths.push((await textOf(stream)).length);
      stream.respond({ ":status": 200 });
      stream.end();
    });
    await using rig = rigAt(server.origin);
    const body = "x".repeat(300_000);
    const results = await Promise.all([1, 2, 3].map(() => rig.post({ body })));
    assert.ok(results.every(({ kind }) => kind === "reply"));
    assert.deepEqual(lengths, [300_000, 300_000, 300_000]);
  });

  test("a redirect is not followed", async () => {
    await using server = await startH2Server(pair, (stream) => {
      stream.respond({ ":status": 302, location: "https://10.0.0.1/" });
      stream.end();
    });
    await using rig = rigAt(server.origin);
    const reply = await rig.post();
    assert.equal(reply.kind === "reply" && reply.status, 302);
    assert.equal(server.sessions(), 1);
  });

  test("8 KiB of an answer's body are kept, and the rest is not waited for", async () => {
    await using server = await startH2Server(pair, (stream) => {
      stream.respond({ ":status": 500 });
      // Never ended.
      for (let count = 0; count < 12; count++) stream.write("x".repeat(1000));
    });
    await using rig = rigAt(server.origin);
    const reply = await rig.post();
    assert.equal(reply.kind === "reply" && reply.text, "x".repeat(8192));
  });

  test("the body of a success is dropped where nobody reads it", async () => {
    let status = 200;
    await using server = await startH2Server(pair, (stream) => {
      stream.respond({ ":status": status });
      stream.end("text");
    });
    await using rig = rigAt(server.origin);
    const texts: string[] = [];
    for (status of [200, 400]) {
      const reply = await rig.post({ ignoreSuccessBody: true });
      assert.ok(reply.kind === "reply");
      texts.push(reply.text);
    }
    assert.deepEqual(texts, ["", "text"]);
  });

  test("many requests share a connection, within the far side's limit of streams", async () => {
    let open = 0;
    let most = 0;
    await using server = await startH2Server(
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
    await using rig = rigAt(server.origin);
    const results = await Promise.all(Array.from({ length: 100 }, () => rig.post()));
    assert.ok(results.every((result) => result.kind === "reply" && result.status === 200));
    assert.equal(server.sessions(), 1);
    assert.ok(most <= 5, `${most} streams at once`);
  });

  test("requests that find all connections full get another one", async () => {
    const held: (() => void)[] = [];
    await using server = await startH2Server(
      { ...pair, settings: { maxConcurrentStreams: 50 } },
      (stream) => {
        const answer = () => {
          stream.respond({ ":status": 200 });
          stream.end();
        };
        // The first one is what a connection is tried with.
        if (server.sessions() <= held.length) held.push(answer);
        else answer();
      },
    );
    await using rig = rigAt(server.origin, { connections: 2 });
    await rig.post();
    const results = Array.from({ length: 60 }, () => rig.post());
    while (server.sessions() < 2) await settle();
    let isDone = false;
    const all = Promise.all(results).then((given) => (isDone = true, given));
    while (!isDone) {
      for (const answer of held.splice(0)) answer();
      await settle();
    }
    assert.ok((await all).every(({ kind }) => kind === "reply"));
    assert.equal(server.sessions(), 2);
  });

  test("a request is given up when its signal says so, and may have been processed", async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await startH2Server(pair, () => arrived.resolve());
    await using rig = rigAt(server.origin);
    const abort = new AbortController();
    const result = rig.post({ signal: abort.signal });
    await arrived.promise;
    abort.abort();
    assert.deepEqual(brief(await result), ["aborted", "unknown"]);
  });

  test("requests that share a signal are given up together", async () => {
    let arrived = 0;
    await using server = await startH2Server(pair, (stream) => {
      if (arrived++ > 0) return;
      stream.respond({ ":status": 200 });
      stream.end();
    });
    await using rig = rigAt(server.origin);
    await rig.post();
    const abort = new AbortController();
    const results = [1, 2, 3].map(() => rig.post({ signal: abort.signal }));
    while (arrived < 4) await settle();
    abort.abort();
    for (const result of await Promise.all(results)) {
      assert.deepEqual(brief(result), ["aborted", "unknown"]);
    }
  });

  test("a request whose signal is aborted already is not sent", async () => {
    let arrived = 0;
    await using server = await startH2Server(pair, () => void arrived++);
    await using rig = rigAt(server.origin);
    assert.deepEqual(brief(await rig.post({ signal: AbortSignal.abort() })), ["aborted", "no"]);
    assert.equal(arrived, 0);
  });

  test("a request without an answer is given up after its timeout", async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await startH2Server(pair, () => arrived.resolve());
    await using rig = rigAt(server.origin);
    const result = rig.post();
    await arrived.promise;
    await rig.clock.advance(TIMEOUT_MS);
    assert.deepEqual(brief(await result), ["timeout", "unknown"]);
  });

  test("a body that does not end counts as a timeout", async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await startH2Server(pair, (stream) => {
      stream.respond({ ":status": 200 });
      stream.write("{", () => arrived.resolve());
    });
    await using rig = rigAt(server.origin);
    const result = rig.post();
    await arrived.promise;
    await rig.clock.advance(TIMEOUT_MS);
    assert.deepEqual(brief(await result), ["timeout", "unknown"]);
  });

  test("a connection that never answers is replaced after three requests", async () => {
    let arrived = 0;
    await using server = await startH2Server(pair, (stream) => {
      arrived++;
      if (server.sessions() < 2) return;
      stream.respond({ ":status": 200 });
      stream.end();
    });
    await using rig = rigAt(server.origin);
    for (let round = 1; round <= 3; round++) {
      const result = rig.post();
      while (arrived < round) await settle();
      await rig.clock.advance(TIMEOUT_MS);
      assert.equal((await result).kind, "failed");
    }
    assert.equal((await rig.post()).kind, "reply");
    assert.equal(server.sessions(), 2);
  });

  test("after a renewal requests go over another connection, and those before it end", async () => {
    const held: (() => void)[] = [];
    await using server = await startH2Server(pair, (stream) => {
      const answer = () => {
        stream.respond({ ":status": 200 });
        stream.end();
      };
      if (server.sessions() > 1) answer();
      else held.push(answer);
    });
    await using rig = rigAt(server.origin);
    const before = rig.post();
    while (held.length === 0) await settle();
    rig.sender.renew();
    assert.equal((await rig.post()).kind, "reply");
    assert.equal(server.sessions(), 2);
    held[0]!();
    assert.equal((await before).kind, "reply");
  });

  test("closing waits for requests under way, and takes no more", async () => {
    const held: (() => void)[] = [];
    await using server = await startH2Server(pair, (stream) =>
      void held.push(() => {
        stream.respond({ ":status": 200 });
        stream.end();
      }));
    const rig = rigAt(server.origin);
    const underWay = rig.post();
    while (held.length === 0) await settle();
    let isClosed = false;
    const closed = rig[Symbol.asyncDispose]().then(() => isClosed = true);
    assert.deepEqual(brief(await rig.post()), ["aborted", "no"]);
    assert.equal(isClosed, false);
    held[0]!();
    assert.equal((await underWay).kind, "reply");
    await closed;
    assert.equal(rig.clock.timers, 0, "no timer is left behind");
  });

  test("a header with a line break is not sent", async () => {
    await using server = await startH2Server(pair, (stream) => stream.respond());
    await using rig = rigAt(server.origin);
    const result = await rig.post({ headers: { "apns-topic": "a\r\nb: c" } }).catch((error) =>
      error
    );
    assert.ok(result instanceof TypeError || result.kind === "failed");
  });
}

async function textOf(stream: http2.ServerHttp2Stream): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) text += decoder.decode(chunk as Uint8Array, { stream: true });
  return text + decoder.decode();
}
