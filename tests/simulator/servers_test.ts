import assert from "node:assert/strict";
import { connect, constants } from "node:http2";
import { connect as connectTls } from "node:tls";
import { once } from "node:events";
import { faultToken, hexFaultToken } from "../../simulator/fault_script.ts";
import { type Simulator, startSimulator } from "../../simulator/simulator.ts";
import { material, sign } from "./support.ts";

const ca = material.authority.certificate;
const { bundleId, keyId, teamId, privateKey } = material.apns;
const DEVICE = "ab".repeat(32);

/** Runs a test against servers of its own. */
async function withSimulator(run: (simulator: Simulator) => Promise<void>) {
  await using simulator = await startSimulator({ material });
  await run(simulator);
}

// One token for all: APNs refuses a connection with another token a second later.
const iat = Math.floor(Date.now() / 1000);
const token = await sign({ iss: teamId, iat }, { alg: "ES256", kid: keyId }, { key: privateKey });
const APNS_HEADERS = {
  authorization: `bearer ${token}`,
  "apns-topic": bundleId,
  "apns-push-type": "alert",
};

async function alert(simulator: Simulator, client: Deno.HttpClient, device = DEVICE) {
  const response = await fetch(`${simulator.addresses.apns}/3/device/${device}`, {
    method: "POST",
    headers: APNS_HEADERS,
    body: `{"aps":{"alert":"x"}}`,
    client,
  });
  await response.body?.cancel();
  return response.status;
}

Deno.test("APNs speaks HTTP/2 and accepts a provider token", () =>
  withSimulator(async (simulator) => {
    using client = Deno.createHttpClient({ caCerts: [ca], http1: false });
    assert.equal(await alert(simulator, client), 200);
  }));

Deno.test("APNs refuses HTTP/1.1 during the handshake", () =>
  withSimulator(async (simulator) => {
    using client = Deno.createHttpClient({ caCerts: [ca], http2: false });
    await assert.rejects(alert(simulator, client), TypeError);
  }));

Deno.test("APNs sees a client certificate", () =>
  withSimulator(async (simulator) => {
    const { certificate, privateKey: key } = material.apns.client;
    using client = Deno.createHttpClient({ caCerts: [ca], http1: false, cert: certificate, key });
    const response = await fetch(`${simulator.addresses.apns}/3/device/${DEVICE}`, {
      method: "POST",
      body: `{"aps":{"alert":"x"}}`,
      client,
    });
    assert.equal(response.status, 200);
    assert.equal(await response.text(), "");
  }));

Deno.test("APNs grants one stream until the sender is authenticated, then many", () =>
  withSimulator(async (simulator) => {
    const session = connect(simulator.addresses.apns, { ca });
    const [first] = await once(session, "remoteSettings");
    assert.equal(first.maxConcurrentStreams, 1);
    const later = once(session, "remoteSettings");
    const stream = session.request({
      ":method": "POST",
      ":path": `/3/device/${DEVICE}`,
      ...APNS_HEADERS,
    });
    stream.end(`{"aps":{"alert":"x"}}`);
    const [headers] = await once(stream, "response");
    assert.equal(headers[":status"], 200);
    const [second] = await later;
    assert.equal(second.maxConcurrentStreams, 1000);
    session.destroy();
  }));

Deno.test("APNs closes a connection with GOAWAY and a reason", () =>
  withSimulator(async (simulator) => {
    const session = connect(simulator.addresses.apns, { ca });
    const stream = session.request({
      ":method": "POST",
      ":path": `/3/device/${hexFaultToken("goaway IdleTimeout", "1")}`,
      ...APNS_HEADERS,
    });
    stream.on("error", () => {});
    stream.end(`{"aps":{"alert":"x"}}`);
    const [code, , debugData] = await once(session, "goaway");
    assert.equal(code, constants.NGHTTP2_NO_ERROR);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(debugData)), { reason: "IdleTimeout" });
    session.destroy();
  }));

Deno.test("'reset' breaks the connection, and the next request gets another", () =>
  withSimulator(async (simulator) => {
    using client = Deno.createHttpClient({ caCerts: [ca], http1: false });
    assert.equal(await alert(simulator, client), 200);
    await assert.rejects(alert(simulator, client, hexFaultToken("reset", "1")), TypeError);
    assert.equal(await alert(simulator, client), 200);
  }));

Deno.test("'hang' does not delay others on the same connection", () =>
  withSimulator(async (simulator) => {
    using client = Deno.createHttpClient({ caCerts: [ca], http1: false });
    assert.equal(await alert(simulator, client), 200);
    const abort = new AbortController();
    const hanging = fetch(`${simulator.addresses.apns}/3/device/${hexFaultToken("hang", "1")}`, {
      method: "POST",
      headers: APNS_HEADERS,
      body: `{"aps":{"alert":"x"}}`,
      client,
      signal: abort.signal,
    });
    const token = hexFaultToken("hang", "1");
    await simulator.received.wait(1, { token });
    assert.equal(await alert(simulator, client), 200);
    abort.abort();
    await assert.rejects(hanging, { name: "AbortError" });
  }));

Deno.test("APNs answers many requests at once on one connection", () =>
  withSimulator(async (simulator) => {
    using client = Deno.createHttpClient({ caCerts: [ca], http1: false });
    await alert(simulator, client);
    const statuses = await Promise.all(
      Array.from({ length: 200 }, () => alert(simulator, client)),
    );
    assert.equal(statuses.filter((status) => status === 200).length, 200);
    assert.equal(simulator.received.counts().apn?.accepted, 201);
  }));

Deno.test("clients that close gracefully while others are busy do not disturb the server", () =>
  withSimulator(async (simulator) => {
    const rounds = Array.from({ length: 4 }, async (_, index) => {
      using client = Deno.createHttpClient({ caCerts: [ca], http1: false });
      await alert(simulator, client);
      await Promise.all(Array.from({ length: 100 * (index + 1) }, () => alert(simulator, client)));
    });
    await Promise.all(rounds);
    assert.deepEqual(simulator.received.counts().apn, { accepted: 1004, refused: 0 });
  }));

Deno.test("WNS and Web Push speak HTTP/1.1 as well", () =>
  withSimulator(async (simulator) => {
    using client = Deno.createHttpClient({ caCerts: [ca], http2: false });
    const wns = await fetch(simulator.samples.wns, { method: "POST", client });
    assert.equal(wns.status, 401);
    await wns.body?.cancel();
    const webpush = await fetch(simulator.samples.webpush.endpoint, { method: "POST", client });
    assert.equal(webpush.status, 401);
    await webpush.body?.cancel();
  }));

Deno.test("WNS refuses a body in chunks", () =>
  withSimulator(async (simulator) => {
    using client = Deno.createHttpClient({ caCerts: [ca], http2: false });
    const { sid, secret } = material.wns;
    const granted = await fetch(simulator.addresses.wnsToken, {
      method: "POST",
      client,
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: sid,
        client_secret: secret,
        scope: "notify.windows.com",
      }),
    });
    const { access_token: token } = await granted.json();
    const response = await fetch(simulator.samples.wns, {
      method: "POST",
      client,
      headers: {
        authorization: `Bearer ${token}`,
        "x-wns-type": "wns/raw",
        "content-type": "application/octet-stream",
      },
      body: new Blob(["x"]).stream(),
    });
    await response.body?.cancel();
    assert.equal(response.status, 400);
    assert.match(response.headers.get("x-wns-error-description") ?? "", /chunked/i);
  }));

Deno.test("'reset' breaks HTTP/1.1 connections, too", () =>
  withSimulator(async (simulator) => {
    using client = Deno.createHttpClient({ caCerts: [ca], http2: false });
    simulator.faults.set({ provider: "wns-token", token: "*", script: "reset" });
    const sent = fetch(simulator.addresses.wnsToken, { method: "POST", client });
    await assert.rejects(sent, TypeError);
  }));

Deno.test("a body larger than any provider takes is refused and not kept", () =>
  withSimulator(async (simulator) => {
    using client = Deno.createHttpClient({ caCerts: [ca], http1: false });
    const response = await fetch(`${simulator.addresses.apns}/3/device/${DEVICE}`, {
      method: "POST",
      headers: APNS_HEADERS,
      body: "x".repeat(100_000),
      client,
    });
    assert.equal(response.status, 413);
    assert.equal((await response.json()).reason, "PayloadTooLarge");
  }));

Deno.test("latency delays every answer", () =>
  withSimulator(async (simulator) => {
    using client = Deno.createHttpClient({ caCerts: [ca], http1: false });
    simulator.setLatency(120);
    const before = performance.now();
    assert.equal(await alert(simulator, client), 200);
    assert.ok(performance.now() - before >= 119);
  }));

Deno.test("bytes that are not TLS do not disturb the server", () =>
  withSimulator(async (simulator) => {
    const { port } = new URL(simulator.addresses.apns);
    using raw = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    await raw.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    await raw.read(new Uint8Array(100));
    using client = Deno.createHttpClient({ caCerts: [ca], http1: false });
    assert.equal(await alert(simulator, client), 200);
  }));

Deno.test("a client that disconnects in the middle of a request does not disturb the server", () =>
  withSimulator(async (simulator) => {
    const { port } = new URL(simulator.addresses.apns);
    const socket = connectTls({ port: Number(port), host: "127.0.0.1", ca, ALPNProtocols: ["h2"] });
    await once(socket, "secureConnect");
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    socket.destroy();
    await once(socket, "close");
    using client = Deno.createHttpClient({ caCerts: [ca], http1: false });
    assert.equal(await alert(simulator, client), 200);
  }));

Deno.test("a fault can be asked for in the token of every provider", () =>
  withSimulator((simulator) => {
    const samples = simulator.faultySamples("500 twice", "a");
    assert.equal(samples.apn, hexFaultToken("500 twice", "a"));
    assert.equal(samples.gcm, faultToken("500 twice", "a"));
    assert.ok(samples.wns.includes(encodeURIComponent(samples.gcm)));
    assert.ok(samples.webpush.endpoint.endsWith(`/${samples.gcm}`));
    return Promise.resolve();
  }));
