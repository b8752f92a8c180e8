import assert from "node:assert/strict";
import { formatOffset, type MissedEvents } from "../../core/events.ts";
import type { RealtimeHooks } from "../../realtime/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { away, event, ScriptedHub, SEVEN } from "./_scripted_hub.ts";
import { type Peer, type ServedRealtime, serveRealtime } from "./_servers.ts";

const V3 = "/socket.io/appsuite/?EIO=3&transport=websocket&session=7@1";
const V4 = "/socket.io/appsuite/?EIO=4&transport=websocket";
const POLL = "/socket.io/appsuite/?EIO=3&transport=polling&session=7@1";

function serve(settings = {}) {
  const clock = new FakeClock();
  const hub = new ScriptedHub();
  const served = serveRealtime(settings, { clock, hub, random: () => .5 });
  return { clock, hub, served };
}

async function connect(served: ServedRealtime, query = ""): Promise<Peer> {
  const peer = served.peer(`${V3}${query}`);
  await peer.next();
  assert.equal(await peer.next(), "40");
  return peer;
}

async function numbers(peer: Peer, count: number): Promise<readonly (string | undefined)[]> {
  const got: (string | undefined)[] = [];
  while (got.length < count) {
    got.push(/^42\["x",(\d+)(?:,"\d{16}")?\]$/.exec(await peer.text())?.[1]);
  }
  return got;
}

Deno.test("an event that does not follow what a socket had sends it to the log", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  served.realtime.deliver(event(1));
  hub.log = [1, 2, 3, 4].map((n) => event(n));
  served.realtime.deliver(event(4));
  assert.deepEqual(await numbers(peer, 4), ["1", "2", "3", "4"]);
  assert.deepEqual(hub.asked, [1]);
  served.realtime.deliver(event(5));
  assert.deepEqual(await numbers(peer, 1), ["5"]);
});

Deno.test("events that are delivered out of order are sent in order, each once", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  hub.log = [1, 2, 3].map((n) => event(n));
  for (const n of [3, 1, 2, 3]) served.realtime.deliver(event(n));
  await settle();
  served.realtime.deliver(event(2));
  served.realtime.deliver(event(4));
  assert.deepEqual(await numbers(peer, 4), ["1", "2", "3", "4"]);
});

Deno.test("what comes while the log is read follows what it has", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  const answer = Promise.withResolvers<MissedEvents>();
  hub.missing = () => answer.promise;
  served.realtime.deliver(event(2));
  await settle();
  served.realtime.deliver(event(3));
  hub.missing = () => ({ events: [event(3)], complete: true });
  answer.resolve({ events: [event(1), event(2)], complete: true });
  assert.deepEqual(await numbers(peer, 3), ["1", "2", "3"]);
  assert.deepEqual(hub.asked, [0, 2]);
});

Deno.test("what is delivered while a socket is being let in follows its CONNECT packet", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const joined = Promise.withResolvers<{ last: number }>();
  hub.joining = () => joined.promise;
  const peer = served.peer(V3);
  await peer.next();
  while (served.realtime.socketsOf(SEVEN).length === 0) await settle(1);
  hub.log = [event(6, { previous: 5 })];
  served.realtime.deliver(hub.log[0]!);
  joined.resolve({ last: 5 });
  assert.equal(await peer.next(), "40");
  assert.deepEqual(await numbers(peer, 1), ["6"]);
});

Deno.test("a log that cannot be read is asked isRepeat, at growing intervals, until it can", async () => {
  const { clock, hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  hub.log = [1, 2, 3].map((n) => event(n));
  const answers = hub.missing;
  hub.missing = () => Promise.reject(away());
  served.realtime.deliver(event(2));
  await clock.advance(20_000);
  served.realtime.deliver(event(3));
  assert.equal(hub.asked.length, 5, "at once, and after 1, 2, 4 and 8 s");
  hub.missing = answers;
  await clock.advance(16_000);
  assert.deepEqual(await numbers(peer, 3), ["1", "2", "3"]);
});

Deno.test("a socket that closes while it waits is not waited for", async () => {
  const { clock, hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  hub.missing = () => Promise.reject(away());
  served.realtime.deliver(event(2));
  await clock.advance(3000);
  peer.close();
  await peer.closed;
  const { length } = hub.asked;
  await clock.advance(60_000);
  assert.equal(hub.asked.length, length);
  assert.equal(clock.timers, 0);
});

Deno.test("what a socket has heard of and the log has lost makes it resync", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  served.realtime.deliver(event(9));
  assert.equal(await peer.text(), '42["resync"]');
  served.realtime.deliver(event(10));
  assert.deepEqual(await numbers(peer, 1), ["10"]);
  hub.missing = () => ({ events: [event(15), event(16)], complete: false });
  served.realtime.deliver(event(16));
  assert.equal(await peer.text(), '42["resync"]');
  assert.deepEqual(await numbers(peer, 2), ["15", "16"]);
});

Deno.test("sockets look into the log when the hub says so, and only then", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  hub.log = [event(1)];
  served.realtime.recover({ context: "1", user: "8" });
  served.realtime.recover(SEVEN);
  assert.deepEqual(await numbers(peer, 1), ["1"]);
  assert.deepEqual(hub.asked, [0]);
});

Deno.test("logs are read a few at a time, and every socket has its turn", async () => {
  const { hub, served } = serve({ maxSocketsPerUser: 200 });
  await using _ = served;
  const peers: Peer[] = [];
  for (let n = 0; n < 150; n++) peers.push(await connect(served));
  hub.log = [event(1), event(2)];
  served.realtime.deliver(event(2));
  for (const peer of peers) assert.deepEqual(await numbers(peer, 2), ["1", "2"]);
  assert.equal(hub.mostOpen, 64);
});

Deno.test("a peer that takes its time is given it while it catches up", async () => {
  const { clock, hub, served } = serve({ maxBacklogBytes: 1000 });
  await using _ = served;
  const opened = await served.http(`${POLL}&connection=c`);
  const sid = /"sid":"([^"]+)"/.exec(await opened.text())![1];
  while (served.realtime.socketsOf(SEVEN).length === 0) await settle(1);
  hub.log = Array.from(
    { length: 20 },
    (_, n) => event(n + 1, { args: `"x","${n + 1}","${"y".repeat(300)}"` }),
  );
  served.realtime.recover(SEVEN);
  const got: string[] = [];
  while (got.length < 20) {
    await clock.advance(100);
    const polled = await served.http(`${POLL}&sid=${sid}`);
    for (const [, n] of (await polled.text()).matchAll(/42\["x","(\d+)"/g)) got.push(n!);
  }
  assert.deepEqual(got, hub.log.map(({ id }) => id));
});

Deno.test("where there is no seat to be had, a client loses its transport and comes back", async () => {
  const refused: string[] = [];
  const clock = new FakeClock();
  const hub = new ScriptedHub();
  const hooks = { onRefused: (reason: string) => void refused.push(reason) };
  await using served = serveRealtime({}, { clock, hub, hooks });
  hub.joining = () => Promise.reject(away());
  const peer = served.peer(V4);
  await peer.next();
  peer.send('40{"session":"7@1"}');
  const last = await Promise.race([peer.text(), peer.closed]);
  assert.ok(typeof last === "object", "no CONNECT_ERROR, upon which it would stay away");
  assert.deepEqual(refused, ["store_unavailable"]);
  assert.deepEqual(hub.left.map(({ acknowledged }) => acknowledged), [0]);
  assert.equal(served.realtime.socketsOf(SEVEN).length, 0);
  const shut = await served.http(POLL);
  assert.equal(shut.status, 503);
  assert.equal(shut.headers.get("retry-after"), "2");
  assert.equal((await shut.json()).code, "store_unavailable");
  hub.joining = () => ({ last: 0 });
  await clock.advance(1000);
  await connect(served);
});

Deno.test("where its log cannot be read, a client is not let in, and keeps its place", async () => {
  const { clock, hub, served } = serve();
  await using _ = served;
  hub.joining = () => ({ last: 5, acknowledged: 3 });
  hub.missing = () => Promise.reject(away());
  const peer = served.peer(V3);
  await peer.closed;
  assert.deepEqual(hub.left.map(({ acknowledged }) => acknowledged), [3]);
  hub.missing = () => ({ events: [event(4), event(5)], complete: true });
  await clock.advance(1000);
  assert.deepEqual(await numbers(await connect(served), 2), ["4", "5"]);
});

Deno.test("a client that goes while it is being let in keeps its place", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const joined = Promise.withResolvers<{ last: number; from: number }>();
  hub.joining = () => joined.promise;
  const peer = served.peer(`${V3}&connection=c`);
  await peer.next();
  while (served.realtime.socketsOf(SEVEN).length === 0) await settle(1);
  peer.close();
  await peer.closed;
  joined.resolve({ last: 3, from: 3 });
  while (hub.left.length === 0) await settle(1);
  assert.deepEqual(hub.left, [{ id: "c", acknowledged: 3 }]);
});

Deno.test("a gap is reported", async () => {
  const gaps: string[] = [];
  const hub = new ScriptedHub();
  const hooks = { onGap: ({ client }: { client: string }) => void gaps.push(client) };
  await using served = serveRealtime({}, { hub, hooks });
  await connect(served);
  served.realtime.deliver(event(1));
  assert.deepEqual(gaps, []);
  served.realtime.deliver(event(3));
  assert.deepEqual(gaps, ["open-xchange-appsuite"]);
});

Deno.test("what had been kept for a client is reported once a socket was delivered it", async () => {
  const got: string[] = [];
  const hub = new ScriptedHub();
  const hooks: RealtimeHooks = {
    onRecovered: ({ client }, { id }) => void got.push(`${client} ${id}`),
  };
  await using served = serveRealtime({}, { hub, hooks });
  const client = "open-xchange-appsuite";
  const clients = [client, "other"];
  hub.log = [
    event(1, { clients, kept: ["other"] }),
    event(2, { clients: ["other"], kept: ["other"] }),
    event(3, { clients, kept: clients }),
    event(4),
    event(5, { kept: [client], except: "c" }),
    event(6),
  ];
  const peer = await connect(served, "&connection=c");
  served.realtime.deliver(hub.log[5]!);
  assert.deepEqual(await numbers(peer, 4), ["1", "3", "4", "6"]);
  assert.deepEqual(got, [`${client} 3`]);
  served.realtime.deliver(event(7, { kept: [client] }));
  assert.deepEqual(await numbers(peer, 1), ["7"]);
  assert.deepEqual(got, [`${client} 3`], "what is delivered as it comes was kept for nobody");
});

async function comeBack(served: ServedRealtime, offset: number): Promise<Peer> {
  const peer = served.peer(V4);
  await peer.next();
  const claim = { pid: `${formatOffset(1)}.${"a".repeat(20)}`, offset: formatOffset(offset) };
  peer.send(`40${JSON.stringify({ session: "7@1", ...claim })}`);
  assert.match(await peer.text(), /^40/);
  return peer;
}

Deno.test("a client is delivered what it says it has not got, whatever the hub takes for proven", async () => {
  const { hub, served } = serve();
  await using _ = served;
  hub.log = [1, 2, 3, 4].map((n) => event(n));
  hub.joining = () => ({ last: 4, acknowledged: 4 });
  const peer = await comeBack(served, 2);
  assert.deepEqual(await numbers(peer, 2), ["3", "4"]);
});

Deno.test("where the log does not go back to what a client says, what the hub has acknowledged counts", async () => {
  const { hub, served } = serve();
  await using _ = served;
  hub.log = [event(4)];
  hub.missing = (after) => ({ events: hub.log, complete: after >= 3 });
  hub.joining = () => ({ last: 4, acknowledged: 3 });
  const peer = await comeBack(served, 2);
  assert.deepEqual(await numbers(peer, 1), ["4"]);
  assert.deepEqual(hub.asked, [2, 3]);
});
