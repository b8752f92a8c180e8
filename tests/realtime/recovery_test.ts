import assert from "node:assert/strict";
import { formatOffset, type MissedEvents } from "../../core/events.ts";
import type { RealtimeHooks } from "../../realtime/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { event, ScriptedHub, SEVEN, unavailable } from "./_scripted_hub.ts";
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

Deno.test("an event that does not follow the one before sends a socket to the log", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  served.realtime.deliver(event(1));
  hub.log = [1, 2, 3, 4].map((n) => event(n));
  served.realtime.deliver(event(4));
  assert.deepEqual(await numbers(peer, 4), ["1", "2", "3", "4"]);
  assert.deepEqual(hub.reads, [1]);
  served.realtime.deliver(event(5));
  assert.deepEqual(await numbers(peer, 1), ["5"]);
});

Deno.test("events that arrive out of order are sent in order, each once", async () => {
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

Deno.test("events that arrive while the log is read follow those from the log", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  const answer = Promise.withResolvers<MissedEvents>();
  hub.onRead = () => answer.promise;
  served.realtime.deliver(event(2));
  await settle();
  served.realtime.deliver(event(3));
  hub.onRead = () => ({ events: [event(3)], complete: true });
  answer.resolve({ events: [event(1), event(2)], complete: true });
  assert.deepEqual(await numbers(peer, 3), ["1", "2", "3"]);
  assert.deepEqual(hub.reads, [0, 2]);
});

Deno.test("events that arrive while a socket is admitted follow its CONNECT packet", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const joined = Promise.withResolvers<{ last: number }>();
  hub.onJoin = () => joined.promise;
  const peer = served.peer(V3);
  await peer.next();
  while (served.realtime.socketsOf(SEVEN).length === 0) await settle(1);
  hub.log = [event(6, { previous: 5 })];
  served.realtime.deliver(hub.log[0]!);
  joined.resolve({ last: 5 });
  assert.equal(await peer.next(), "40");
  assert.deepEqual(await numbers(peer, 1), ["6"]);
});

Deno.test("a failed read of the log is repeated at growing intervals", async () => {
  const { clock, hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  hub.log = [1, 2, 3].map((n) => event(n));
  const answers = hub.onRead;
  hub.onRead = () => Promise.reject(unavailable());
  served.realtime.deliver(event(2));
  await clock.advance(20_000);
  served.realtime.deliver(event(3));
  assert.equal(hub.reads.length, 5, "at once, and after 1, 2, 4 and 8 s");
  hub.onRead = answers;
  await clock.advance(16_000);
  assert.deepEqual(await numbers(peer, 3), ["1", "2", "3"]);
});

Deno.test("a socket that closes while it is paused reads no more", async () => {
  const { clock, hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  hub.onRead = () => Promise.reject(unavailable());
  served.realtime.deliver(event(2));
  await clock.advance(3000);
  peer.close();
  await peer.closed;
  const { length } = hub.reads;
  await clock.advance(60_000);
  assert.equal(hub.reads.length, length);
  assert.equal(clock.timers, 0);
});

Deno.test("a socket receives resync where the log has lost an event that was announced", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  served.realtime.deliver(event(9));
  assert.equal(await peer.text(), '42["resync"]');
  served.realtime.deliver(event(10));
  assert.deepEqual(await numbers(peer, 1), ["10"]);
  hub.onRead = () => ({ events: [event(15), event(16)], complete: false });
  served.realtime.deliver(event(16));
  assert.equal(await peer.text(), '42["resync"]');
  assert.deepEqual(await numbers(peer, 2), ["15", "16"]);
});

Deno.test("sockets read the log when the hub says so, and only then", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const peer = await connect(served);
  hub.log = [event(1)];
  served.realtime.recover({ context: "1", user: "8" });
  served.realtime.recover(SEVEN);
  assert.deepEqual(await numbers(peer, 1), ["1"]);
  assert.deepEqual(hub.reads, [0]);
});

Deno.test("at most 64 reads of the log run at once, and every socket gets its turn", async () => {
  const { hub, served } = serve({ maxSocketsPerUser: 200 });
  await using _ = served;
  const peers: Peer[] = [];
  for (let n = 0; n < 150; n++) peers.push(await connect(served));
  hub.log = [event(1), event(2)];
  served.realtime.deliver(event(2));
  for (const peer of peers) {
    assert.deepEqual(await numbers(peer, 2), ["1", "2"]);
  }
  assert.equal(hub.mostOpenReads, 64);
});

Deno.test("a slow peer may take its time while it recovers", async () => {
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
    for (const [, n] of (await polled.text()).matchAll(/42\["x","(\d+)"/g)) {
      got.push(n!);
    }
  }
  assert.deepEqual(got, hub.log.map(({ id }) => id));
});

Deno.test("where the hub cannot be joined, a client loses its transport and reconnects", async () => {
  const refused: string[] = [];
  const clock = new FakeClock();
  const hub = new ScriptedHub();
  const hooks = { onRefused: (reason: string) => void refused.push(reason) };
  await using served = serveRealtime({}, { clock, hub, hooks });
  hub.onJoin = () => Promise.reject(unavailable());
  const peer = served.peer(V4);
  await peer.next();
  peer.send('40{"session":"7@1"}');
  const last = await Promise.race([peer.text(), peer.closed]);
  assert.ok(typeof last === "object", "no CONNECT_ERROR, upon which it would stay away");
  assert.deepEqual(refused, ["store_unavailable"]);
  assert.deepEqual(hub.left.map(({ acknowledged }) => acknowledged), [0]);
  assert.equal(served.realtime.socketsOf(SEVEN).length, 0);
  const refusal = await served.http(POLL);
  assert.equal(refusal.status, 503);
  assert.equal(refusal.headers.get("retry-after"), "2");
  assert.equal((await refusal.json()).code, "store_unavailable");
  hub.onJoin = () => ({ last: 0 });
  await clock.advance(1000);
  await connect(served);
});

Deno.test("where the log cannot be read, a client is refused and keeps its acknowledged offset", async () => {
  const { clock, hub, served } = serve();
  await using _ = served;
  hub.onJoin = () => ({ last: 5, acknowledged: 3 });
  hub.onRead = () => Promise.reject(unavailable());
  const peer = served.peer(V3);
  await peer.closed;
  assert.deepEqual(hub.left.map(({ acknowledged }) => acknowledged), [3]);
  hub.onRead = () => ({ events: [event(4), event(5)], complete: true });
  await clock.advance(1000);
  assert.deepEqual(await numbers(await connect(served), 2), ["4", "5"]);
});

Deno.test("a client that leaves while it is admitted keeps its acknowledged offset", async () => {
  const { hub, served } = serve();
  await using _ = served;
  const joined = Promise.withResolvers<
    { last: number; acknowledged: number }
  >();
  hub.onJoin = () => joined.promise;
  const peer = served.peer(`${V3}&connection=c`);
  await peer.next();
  while (served.realtime.socketsOf(SEVEN).length === 0) await settle(1);
  peer.close();
  await peer.closed;
  joined.resolve({ last: 3, acknowledged: 3 });
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

Deno.test("an event that was kept for a client is reported when a socket has received it", async () => {
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
  assert.deepEqual(got, [`${client} 3`], "an event delivered at once was kept for no client");
});

async function comeBack(served: ServedRealtime, offset: number): Promise<Peer> {
  const peer = served.peer(V4);
  await peer.next();
  const resume = {
    pid: `${formatOffset(1)}.${"a".repeat(20)}`,
    offset: formatOffset(offset),
  };
  peer.send(`40${JSON.stringify({ session: "7@1", ...resume })}`);
  assert.match(await peer.text(), /^40/);
  return peer;
}

Deno.test("a client receives everything after its own offset, whatever the hub holds for acknowledged", async () => {
  const { hub, served } = serve();
  await using _ = served;
  hub.log = [1, 2, 3, 4].map((n) => event(n));
  hub.onJoin = () => ({ last: 4, acknowledged: 4 });
  const peer = await comeBack(served, 2);
  assert.deepEqual(await numbers(peer, 2), ["3", "4"]);
});

Deno.test("where the log does not go back to a client's offset, the hub's acknowledged offset counts", async () => {
  const { hub, served } = serve();
  await using _ = served;
  hub.log = [event(4)];
  hub.onRead = (after) => ({ events: hub.log, complete: after >= 3 });
  hub.onJoin = () => ({ last: 4, acknowledged: 3 });
  const peer = await comeBack(served, 2);
  assert.deepEqual(await numbers(peer, 1), ["4"]);
  assert.deepEqual(hub.reads, [2, 3]);
});
