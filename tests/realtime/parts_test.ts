import assert from "node:assert/strict";
import { Backlog, type BacklogPeer } from "../../realtime/_backlog.ts";
import { SocketConnection, SocketConnections } from "../../realtime/_socket_connections.ts";
import { Heartbeats, type HeartbeatTarget } from "../../realtime/_heartbeats.ts";
import { pathFilterFault } from "../../core/path_filter.ts";
import { clientAt, isSocketPath } from "../../realtime/_paths.ts";
import { Rate } from "../../realtime/_rate.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("a path filter covers itself and what is below, not what merely begins alike", () => {
  const paths = [{ client: "a", path: "/x/*" }, { client: "b", path: "/y" }];
  assert.equal(clientAt(paths, "/x"), "a");
  assert.equal(clientAt(paths, "/x/"), "a");
  assert.equal(clientAt(paths, "/x/deep/er"), "a");
  assert.equal(clientAt(paths, "/xy"), undefined);
  assert.equal(clientAt(paths, "/y/"), "b");
  assert.equal(clientAt(paths, "/y/z"), undefined);
});

Deno.test("'*' serves every path of sockets and takes none of the API's", () => {
  const paths = [{ client: "a", path: "/push/*" }, { client: "all", path: "*" }];
  assert.equal(clientAt(paths, "/socket.io/anything/"), "all");
  assert.equal(clientAt(paths, "/push/x"), "a");
  for (const path of ["/socket.io", "/socket.io/x", "/push"]) assert.ok(isSocketPath(paths, path));
  for (const path of ["/v1/notifications", "/socket.iox"]) assert.ok(!isSocketPath(paths, path));
});

Deno.test("malformed path filters are delivered from good ones", () => {
  for (const good of ["/socket.io/appsuite/*", "/x", "/a-b/c_d"]) {
    assert.equal(pathFilterFault(good), undefined);
  }
  for (const bad of ["", "x", "/", "/x/", "//x", "/x//y", "/*", "*", "/x*", "/x/*/y", "/ü"]) {
    assert.ok(pathFilterFault(bad), bad);
  }
});

Deno.test("a rate lets a burst pass and then its average", () => {
  const clock = new FakeClock();
  const rate = new Rate(clock, 10);
  const taken = () => Array.from({ length: 30 }, () => rate.take()).filter(Boolean).length;
  assert.equal(taken(), 10);
  assert.equal(taken(), 0);
});

Deno.test("a rate refills with monotonic time, whatever the wall clock does", async () => {
  const clock = new FakeClock();
  const rate = new Rate(clock, 10);
  while (rate.take());
  clock.jump(3_600_000);
  assert.ok(!rate.take());
  await clock.advance(100);
  assert.ok(rate.take());
  assert.ok(!rate.take());
});

Deno.test("a rate below one a second lets one pass now and then", async () => {
  const clock = new FakeClock();
  const rate = new Rate(clock, .5);
  await clock.advance(2000);
  assert.deepEqual([rate.take(), rate.take()], [true, false]);
});

function laggard(bytes: number): BacklogPeer & { bytes: number; dropped: boolean } {
  return {
    bytes,
    dropped: false,
    get backlogBytes() {
      return this.bytes;
    },
    drop() {
      this.dropped = true;
      this.bytes = 0;
    },
    whenGone: (run) => run(),
  };
}

Deno.test("a backlog within its caps is admitted", () => {
  const backlog = new Backlog({ perSocket: 100, total: 1000 });
  assert.ok(backlog.admit(laggard(0), 500));
  assert.ok(backlog.admit(laggard(60), 40));
  assert.equal(backlog.measure(), 60);
});

Deno.test("above the total the furthest behind goes, not the one being served", () => {
  const backlog = new Backlog({ perSocket: 100, total: 150 });
  const [far, near] = [laggard(90), laggard(50)];
  assert.ok(backlog.admit(far, 5));
  assert.ok(backlog.admit(near, 1));
  near.bytes = 80;
  assert.ok(backlog.admit(near, 1));
  assert.deepEqual([far.dropped, near.dropped], [true, false]);
});

Deno.test("what a peer has taken since counts no more", () => {
  const backlog = new Backlog({ perSocket: 100, total: 150 });
  const [first, second] = [laggard(90), laggard(90)];
  assert.ok(backlog.admit(first, 5));
  first.bytes = 0;
  assert.ok(backlog.admit(second, 5));
  assert.deepEqual([first.dropped, second.dropped], [false, false]);
  assert.equal(backlog.measure(), 90);
});

function connection(user: string, client: string, id: string): SocketConnection {
  const rest = {
    context: "1",
    socketId: `s${id}`,
    sessionId: "x",
    expiresAt: Infinity,
    wantsAcknowledgement: false,
  };
  return new SocketConnection({ ...rest, user, client, id, engine: undefined as never });
}

Deno.test("the index knows a user's connections, the newest first", () => {
  const index = new SocketConnections();
  const all = ["mail", "mail", "phone"].map((client, at) => connection("7", client, `${at}`));
  for (const each of all) index.add(each);
  assert.deepEqual(index.of({ context: "1", user: "7" }), [...all].reverse());
  assert.ok(index.remove(all[2]!));
  assert.equal(index.first({ context: "1", user: "7" }), all[1]);
  assert.deepEqual(index.of({ context: "1", user: "8" }), []);
});

Deno.test("a connection is removed from any place of its list, and only once", () => {
  for (const order of [[0, 1, 2], [1, 0, 2], [2, 1, 0], [1, 2, 0]]) {
    const index = new SocketConnections();
    const all = ["0", "1", "2"].map((id) => connection("7", "mail", id));
    for (const each of all) index.add(each);
    for (const [removed, at] of order.entries()) {
      assert.ok(index.remove(all[at]!));
      assert.ok(!index.remove(all[at]!));
      assert.equal(index.of({ context: "1", user: "7" }).length, 2 - removed);
      assert.ok(!index.of({ context: "1", user: "7" }).includes(all[at]!));
    }
    assert.deepEqual([...index], []);
    assert.equal(index.open.get("mail"), 0);
  }
});

Deno.test("heartbeats come when due, and the timer rests while there are none", async () => {
  const clock = new FakeClock();
  const beats = new Heartbeats(clock, 1000);
  const seen: number[] = [];
  const beating: HeartbeatTarget & { heartbeatAt: number } = {
    heartbeatAt: 100,
    heartbeat() {
      seen.push(clock.monotonic());
      this.heartbeatAt += 100;
      if (seen.length === 3) beats.remove(this);
    },
  };
  beats.add(beating);
  await clock.advance(1000);
  assert.deepEqual(seen, [100, 200, 300]);
  assert.equal(clock.timers, 0);
});
