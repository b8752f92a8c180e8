/** Provokes the real errors of the pinned Deno, because only their texts identify them. */

import assert from "node:assert/strict";
import http2 from "node:http2";
import { classifyFetchFault } from "../../../transports/http/fetch_faults.ts";
import type { HttpFailure } from "../../../transports/http/http_sender.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { close, goaway, startH2Server, startRawServer } from "./_h2_servers.ts";

const TOKEN = "c0ffee";
const pair = await makeCertificate();

async function faultOf(
  origin: string,
  options: Deno.CreateHttpClientOptions = { caCerts: [pair.cert] },
): Promise<HttpFailure> {
  using client = Deno.createHttpClient({ http1: false, ...options });
  try {
    const response = await fetch(`${origin}/3/device/${TOKEN}`, {
      method: "POST",
      body: "{}",
      client,
    });
    await response.body?.cancel();
  } catch (error) {
    return classifyFetchFault(error);
  }
  throw new Error("the request succeeded");
}

function brief({ fault, sent, goawayReason }: HttpFailure) {
  return goawayReason ? [fault, sent, goawayReason] : [fault, sent];
}

Deno.test("a refused stream was certainly not processed", async () => {
  await using server = await startH2Server(pair, (stream) => {
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  });
  assert.deepEqual(brief(await faultOf(server.origin)), ["refused_stream", "no"]);
});

Deno.test("a GOAWAY with an error has its reason in the debug data", async () => {
  await using server = startRawServer(pair, {
    async behave(connection) {
      const debug = '{"reason":"IdleTimeout"}';
      await connection.write(goaway({ code: 2, lastStream: 0, debug }));
    },
  });
  const fault = await faultOf(server.origin);
  assert.deepEqual(brief(fault), ["goaway", "unknown", "IdleTimeout"]);
  assert.match(fault.reason, /IdleTimeout/);
});

Deno.test("a GOAWAY without an error but with a reason has it, too", async () => {
  await using server = startRawServer(pair, {
    async behave(connection) {
      const debug = '{"reason":"Shutdown"}';
      await connection.write(goaway({ code: 0, lastStream: 0, debug }));
    },
  });
  assert.deepEqual(brief(await faultOf(server.origin)), ["goaway", "unknown", "Shutdown"]);
});

Deno.test("a GOAWAY with debug data that is not JSON has no reason", async () => {
  await using server = startRawServer(pair, {
    async behave(connection) {
      await connection.write(goaway({ code: 11, lastStream: 0, debug: "calm down" }));
    },
  });
  assert.deepEqual(brief(await faultOf(server.origin)), ["goaway", "unknown"]);
});

Deno.test("a connection that is closed under a request died", async () => {
  await using server = startRawServer(pair, { behave: close });
  assert.deepEqual(brief(await faultOf(server.origin)), ["died", "unknown"]);
});

Deno.test("a stream that is reset with an internal error died", async () => {
  await using server = await startH2Server(pair, (stream) => {
    stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  });
  assert.deepEqual(brief(await faultOf(server.origin)), ["died", "unknown"]);
});

Deno.test("a session that is destroyed under a request died", async () => {
  await using server = await startH2Server(pair, (stream) => stream.session!.destroy());
  assert.deepEqual(brief(await faultOf(server.origin)), ["died", "unknown"]);
});

Deno.test("a port without a listener is a connect fault", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  assert.deepEqual(brief(await faultOf(`https://localhost:${port}`)), ["connect", "no"]);
});

Deno.test("a name that does not resolve is a connect fault", async () => {
  assert.deepEqual(brief(await faultOf("https://nowhere.invalid")), ["connect", "no"]);
});

Deno.test("a server certificate of an unknown issuer is a certificate fault", async () => {
  await using server = await startH2Server(pair, (stream) => stream.respond());
  assert.deepEqual(brief(await faultOf(server.origin, {})), ["certificate", "no"]);
});

Deno.test("a server that wants a client certificate is a certificate fault", async () => {
  const options = { ...pair, ca: pair.cert, requestCert: true, rejectUnauthorized: true };
  await using server = await startH2Server(options, (stream) => stream.respond());
  assert.deepEqual(brief(await faultOf(server.origin)), ["certificate", "no"]);
});

Deno.test("a server that speaks HTTP/1.1 only has no HTTP/2", async () => {
  await using server = startRawServer(pair, { behave: close, alpn: ["http/1.1"] });
  assert.deepEqual(brief(await faultOf(server.origin)), ["no_h2", "no"]);
});

Deno.test("a port that fetch forbids is a blocked address", async () => {
  assert.deepEqual(brief(await faultOf("https://localhost:25")), ["blocked", "no"]);
});

Deno.test({
  name: "an address without network permission is a blocked address",
  permissions: { net: ["example.com"] },
  async fn() {
    assert.deepEqual(brief(await faultOf("https://127.0.0.1:4444")), ["blocked", "no"]);
  },
});

Deno.test("a name that resolves to a denied address is a blocked address", () => {
  const denied = new TypeError("fetch failed", {
    cause: new Error(
      "error sending request for url (https://a.example/): client error (Connect): " +
        'Requires net access to "10.0.0.1:443", run again with the --allow-net flag',
    ),
  });
  assert.deepEqual(brief(classifyFetchFault(denied)), ["blocked", "no"]);
});

Deno.test("a reason never contains the address, and with it the device token", async () => {
  const fault = await faultOf("https://nowhere.invalid");
  assert.ok(!JSON.stringify(fault).includes(TOKEN));
});

Deno.test("any other error counts as a broken connection", () => {
  assert.deepEqual(brief(classifyFetchFault("boom")), ["died", "unknown"]);
});
