/** What every way to call a provider says of far sides that break, refuse or are not there. */

import assert from "node:assert/strict";
import http2 from "node:http2";
import type { MakeEngine } from "../transports/http/_engines.ts";
import { close, goaway, startH2Server, startRawServer } from "../transports/http/_h2_servers.ts";
import { brief, pair, senderRig, TOKEN } from "./_http_sender_rig.ts";

/** Registers the tests. */
export function httpSenderFaultsContract(engine: string, makeEngine: MakeEngine): void {
  const rigAt = (origin: string, more: { connections?: number; caCerts?: string[] } = {}) =>
    senderRig(makeEngine, { origin, ...more });

  function test(name: string, run: () => Promise<void>): void {
    Deno.test(`${engine}: ${name}`, run);
  }

  test("a stream that is refused for good was certainly not processed", async () => {
    await using server = await startH2Server(pair, (stream) => {
      stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    });
    await using rig = rigAt(server.origin);
    assert.deepEqual(brief(await rig.post()), ["refused_stream", "no"]);
  });

  test("a stream that is reset with an error died, and the connection goes on", async () => {
    let isFirst = true;
    await using server = await startH2Server(pair, (stream) => {
      if (isFirst) stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      else {
        stream.respond({ ":status": 200 });
        stream.end();
      }
      isFirst = false;
    });
    await using rig = rigAt(server.origin);
    assert.deepEqual(brief(await rig.post()), ["died", "unknown"]);
    assert.equal((await rig.post()).kind, "reply");
    assert.equal(server.sessions(), 1);
  });

  for (const code of [0, 2]) {
    test(`a GOAWAY with code ${code} reports the reason in its debug data`, async () => {
      await using server = startRawServer(pair, {
        async behave(connection) {
          const debug = '{"reason":"Shutdown"}';
          await connection.write(goaway({ code, lastStream: 0, debug }));
        },
      });
      await using rig = rigAt(server.origin);
      const result = await rig.post();
      assert.ok(result.kind === "failed");
      assert.deepEqual([result.fault, result.goawayReason], ["goaway", "Shutdown"]);
      assert.match(result.reason, /Shutdown/);
    });
  }

  test("a GOAWAY with debug data that is no JSON has no reason", async () => {
    await using server = startRawServer(pair, {
      async behave(connection) {
        await connection.write(goaway({ code: 11, lastStream: 0, debug: "calm down" }));
      },
    });
    await using rig = rigAt(server.origin);
    const result = await rig.post();
    assert.ok(result.kind === "failed");
    assert.deepEqual([result.fault, result.goawayReason], ["goaway", undefined]);
  });

  test("a connection that is closed under a request died, and the next one is another", async () => {
    let connections = 0;
    await using server = startRawServer(pair, {
      behave(connection) {
        connections++;
        close(connection);
      },
    });
    await using rig = rigAt(server.origin);
    assert.deepEqual(brief(await rig.post()), ["died", "unknown"]);
    assert.deepEqual(brief(await rig.post()), ["died", "unknown"]);
    assert.equal(connections, 2);
  });

  test("a session that is destroyed under a request died", async () => {
    await using server = await startH2Server(pair, (stream) => stream.session!.destroy());
    await using rig = rigAt(server.origin);
    assert.deepEqual(brief(await rig.post()), ["died", "unknown"]);
  });

  test("a port that nobody listens on is a connect fault", async () => {
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const { port } = listener.addr;
    listener.close();
    await using rig = rigAt(`https://localhost:${port}`);
    assert.deepEqual(brief(await rig.post()), ["connect", "no"]);
  });

  test("a name that does not resolve is a connect fault, without the name", async () => {
    await using rig = rigAt("https://nowhere.invalid");
    const result = await rig.post();
    assert.deepEqual(brief(result), ["connect", "no"]);
    assert.ok(!JSON.stringify(result).includes(TOKEN));
    assert.ok(!JSON.stringify(result).includes("nowhere"));
  });

  test("a server certificate of an unknown issuer is a certificate fault", async () => {
    await using server = await startH2Server(pair, (stream) => stream.respond());
    await using rig = rigAt(server.origin, { caCerts: [] });
    assert.deepEqual(brief(await rig.post()), ["certificate", "no"]);
  });

  test("a server that wants a client certificate is a certificate fault", async () => {
    const options = { ...pair, ca: pair.cert, requestCert: true, rejectUnauthorized: true };
    await using server = await startH2Server(options, (stream) => stream.respond());
    await using rig = rigAt(server.origin);
    assert.deepEqual(brief(await rig.post()), ["certificate", "no"]);
  });

  test("a server that speaks HTTP/1.1 only has no HTTP/2", async () => {
    await using server = startRawServer(pair, { behave: close, alpn: ["http/1.1"] });
    await using rig = rigAt(server.origin);
    assert.deepEqual(brief(await rig.post()), ["no_h2", "no"]);
  });

  Deno.test({
    name: `${engine}: an address without network permission is a blocked address`,
    permissions: { net: ["example.com"] },
    async fn() {
      await using rig = rigAt("https://127.0.0.1:4444");
      assert.deepEqual(brief(await rig.post()), ["blocked", "no"]);
    },
  });
}
