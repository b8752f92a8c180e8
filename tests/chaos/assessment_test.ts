/** What the assessment of a chaos run calls a fault, and what it excuses. */

import { arrivalsOf, assertFaults, client, countOf, publication, record } from "./_run_records.ts";
import assert from "node:assert/strict";
import { outcomeOf } from "../../chaos/group_outcomes.ts";

Deno.test("a run in which everything arrived once is sound", () => {
  const publications = [1, 2, 3].map((n) => publication(n));
  const clients = [
    client({ arrivals: arrivalsOf(1, 2, 3) }),
    client({ name: "c1", generation: 2, arrivals: arrivalsOf(1, 2, 3) }),
  ];
  assertFaults(record({ publications, clients }));
});

Deno.test("what one of a user's clients did not get is lost, though the other got it", () => {
  const clients = [
    client({ arrivals: arrivalsOf(1) }),
    client({ name: "c1", generation: 2, arrivals: arrivalsOf() }),
  ];
  assertFaults(record({ publications: [publication(1)], clients }), { lost: 1 });
});

Deno.test("a client of another user, or one that was not there yet, has lost nothing", () => {
  const clients = [client({ user: 2 }), client({ connected: [{ from: 5000, to: 9000 }] })];
  assertFaults(record({ publications: [publication(1)], clients }));
});

Deno.test("a client that was disconnected for less than the window must receive what it missed", () => {
  const connected = [{ from: 0, to: 2000 }, { from: 20_000, to: 90_000 }];
  const clients = [client({ connected, returns: 1 })];
  assertFaults(record({ publications: [publication(10)], clients }), { lost: 1 });
});

Deno.test("a disconnect longer than the window excuses a client of 2.x, and is counted", () => {
  const connected = [{ from: 0, to: 20_000 }, { from: 60_000, to: 90_000 }];
  const publications = [2, 10, 40, 70].map((n) => publication(n));
  const older = record({ publications, clients: [client({ generation: 2, connected })] });
  // 10 was just on its way when the client went; 2 was long before, and 70 after it came back.
  assert.equal(countOf(older, "excused: 2.x, disconnected longer than the window"), 2);
  assertFaults(older, { lost: 2 });
  // A client of 4.x sends its offset, and must be sent resync.
  assertFaults(record({ publications, clients: [client({ connected })] }), { lost: 4 });
});

Deno.test("resync excuses what may have been missed before it, and is counted", () => {
  const connected = [{ from: 0, to: 20_000 }, { from: 25_000, to: 90_000 }];
  const publications = [2, 10, 22, 70].map((n) => publication(n));
  const run = record({ publications, clients: [client({ connected, resyncs: [25_001] })] });
  assert.equal(countOf(run, "excused: sent resync"), 2);
  assertFaults(run, { lost: 2 });
});

Deno.test("of merged ones the newest must be shown, and the others need not", () => {
  const publications = [1, 2, 3].map((n) => publication(n, { similar: true }));
  const ledger = new Map([
    ["id 1", { state: "delivered" as const }],
    ["id 2", { state: "suppressed" as const, reason: "merged", mergedInto: "id 1" }],
    ["id 3", { state: "suppressed" as const, reason: "merged", mergedInto: "id 2" }],
  ]);
  const shown = (...numbers: number[]) =>
    record({ publications, ledger, clients: [client({ arrivals: arrivalsOf(...numbers) })] });
  assertFaults(shown(3));
  assertFaults(shown(2), { "merged, and not the newest was shown": 1 });
  assertFaults(shown(), { lost: 1 });
});

Deno.test("the client that caused a notification must not get it, the user's others must", () => {
  const publications = [publication(1, { source: "c0" })];
  const other = client({ name: "c1", generation: 2, arrivals: arrivalsOf(1) });
  assertFaults(record({ publications, clients: [client(), other] }));
  const source = client({ arrivals: arrivalsOf(1) });
  assertFaults(record({ publications, clients: [source, other] }), {
    "delivered to the client that caused it": 1,
  });
});

Deno.test("a client of 4.x may receive an event again at its offset, not at another", () => {
  const publications = [publication(1)];
  const repeated = record({ publications, clients: [client({ arrivals: arrivalsOf(1, 1) })] });
  assertFaults(repeated);
  assert.equal(countOf(repeated, "4.x: again at the same offset"), 1);
  const [first] = arrivalsOf(1);
  const arrivals = [first!, { ...first!, offset: "0000000000000009" }];
  assertFaults(record({ publications, clients: [client({ arrivals })] }), {
    "4.x: twice at different offsets": 1,
  });
});

Deno.test("offsets that do not rise are a fault, repeated ones are not", () => {
  const publications = [1, 2, 3].map((n) => publication(n));
  const order = (...numbers: number[]) =>
    record({ publications, clients: [client({ arrivals: arrivalsOf(...numbers) })] });
  assertFaults(order(1, 2, 1, 2, 3));
  assertFaults(order(1, 3, 2), { "4.x: offsets out of order": 1 });
});

Deno.test("a client of 4.x must receive the offset of each event", () => {
  const clients = [client({ arrivals: [{ n: 1, at: 1200 }] })];
  assertFaults(record({ publications: [publication(1)], clients }), {
    "4.x: without an offset": 1,
  });
});

Deno.test("a client of 2.x may receive an event twice only after a reconnect", () => {
  const publications = [publication(1)];
  const arrivals = [{ n: 1, at: 1200 }, { n: 1, at: 5000 }];
  const at = (connected: readonly { from: number; to: number }[]) =>
    record({ publications, clients: [client({ generation: 2, arrivals, connected })] });
  assertFaults(at([{ from: 0, to: 2000 }, { from: 4900, to: 90_000 }]));
  assertFaults(at([{ from: 0, to: 90_000 }]), { "2.x: twice without a reconnect": 1 });
});

Deno.test("every accepted notification must be in one final state, and known", () => {
  const publications = [1, 2, 3, 4, 5].map((n) => publication(n));
  const clients = [client({ arrivals: arrivalsOf(1, 2, 3, 4, 5) })];
  const ledger = new Map([
    ["id 1", { state: "in_flight" as const }],
    ["id 2", { state: "dead" as const }],
    ["id 3", { state: "suppressed" as const, reason: "merged", mergedInto: "id 5" }],
    ["id 5", { state: "delivered" as const }],
  ]);
  assertFaults(record({ publications, clients, ledger }), {
    "still in flight": 1,
    "expired or dead": 1,
    "merged although they are not similar": 1,
    "unknown to the ledger": 1,
  });
});

Deno.test("what was never accepted is a fault, and so is an id given twice", () => {
  const publications = [publication(1, { id: "same" }), publication(2, { id: "same" })];
  const clients = [client({ arrivals: arrivalsOf(1, 2) })];
  assertFaults(record({ publications, clients, neverAccepted: 1 }), {
    "never accepted": 1,
    "ids of several notifications": 1,
  });
});

Deno.test("5xx are excused while no node is ready, after a kill, and while Redis is unavailable", () => {
  const answer = (from: number) => ({ from, to: from + 10, status: 503, retryAfter: true });
  const answers = [1000, 5500, 9000].map(answer);
  assertFaults(record({ answers }), { "5xx at any other time": 3 });
  assertFaults(
    record({
      answers,
      noneReady: [{ from: 900, to: 1100 }],
      troubles: [
        { kind: "kill", whom: 0, from: 5000, to: 60_000 },
        { kind: "redis-kill", whom: 0, from: 8000, to: 8500 },
      ],
    }),
  );
});

Deno.test("a drain or a pause excuses no 5xx", () => {
  const answers = [{ from: 1000, to: 1010, status: 503, code: "draining", retryAfter: true }];
  for (const kind of ["drain", "term", "pause"] as const) {
    const troubles = [{ kind, whom: 0, from: 900, to: 5000 }];
    assertFaults(record({ answers, troubles }), { "5xx at any other time": 1 });
  }
});

Deno.test("while Redis is unavailable a 503 must have a Retry-After", () => {
  const answers = [{ from: 1000, to: 1010, status: 503, retryAfter: false }];
  const troubles = [{ kind: "redis-stop", whom: 0, from: 900, to: 5000 } as const];
  const run = record({ answers, troubles });
  assert.equal(countOf(run, "503 while Redis was unavailable"), 1);
  assertFaults(run, { "without Retry-After": 1 });
});

Deno.test("sockets must outlive the absence of Redis, unless something else happened to them", () => {
  const connected = [{ from: 0, to: 3000 }, { from: 4000, to: 90_000 }];
  const redis = { kind: "redis-pause", whom: 0, from: 2500, to: 6000 } as const;
  const closed = (...more: readonly { kind: "cut" | "kill"; whom: number }[]) =>
    record({
      clients: [client({ connected })],
      troubles: [redis, ...more.map((trouble) => ({ ...trouble, from: 2900, to: 3500 }))],
    });
  const fault = { "sockets closed only because of Redis": 1 };
  assertFaults(closed(), fault);
  assertFaults(closed({ kind: "cut", whom: 7 }), fault);
  assertFaults(closed({ kind: "cut", whom: 0 }));
  assertFaults(closed({ kind: "kill", whom: 1 }));
});

Deno.test("whatever a client complains of is a fault", () => {
  const clients = [client({ complaints: ["refused: the store is away"] })];
  assertFaults(record({ clients }), { "what a stock client does not recover from by itself": 1 });
});

Deno.test("a node that is asked to stop must end in time, and without an error unless Redis is unavailable", () => {
  const exit = { node: 1, from: 1000, to: 5000 };
  assertFaults(record({ exits: [{ ...exit, code: 0 }] }));
  assertFaults(record({ exits: [exit] }), { "did not stop in time": 1 });
  const exits = [{ ...exit, code: 1 }];
  assertFaults(record({ exits }), { "ended with an error": 1 });
  const troubles = [{ kind: "redis-stop", whom: 0, from: 900, to: 3000 } as const];
  assertFaults(record({ exits, troubles }));
});

Deno.test("a node that ends by itself is a fault", () => {
  const crashes = [{ node: 1, at: 1000, code: 1, lastWords: "a bug" }];
  assertFaults(record({ crashes }), { "nodes that ended unexpectedly": 1 });
});

Deno.test("a notification to a group must have each member once, and each in a final state", () => {
  const outcome = { n: 1, id: "id 1", members: 3, reached: 3, repeated: 0, open: 0 };
  const run = (...changes: readonly Partial<typeof outcome>[]) =>
    record({ toGroup: changes.map((change) => ({ ...outcome, ...change })) });
  assert.equal(countOf(run({}, {}), "notifications to a group"), 2);
  assertFaults(run({}, {}));
  assertFaults(run({}, { reached: 2 }), { "that left a member out": 1 });
  assertFaults(run({ reached: 4 }), { "that have somebody else": 1 });
  assertFaults(run({ repeated: 1 }), { "that have a member twice": 1 });
  assertFaults(run({ open: 2 }, { open: 1 }), { "that have a member in flight": 2 });
});

Deno.test("a kill between the request and the last page is counted", () => {
  const toGroup = [{ n: 1, id: "id 1", members: 1, reached: 1, repeated: 0, open: 0 }];
  const publications = [publication(1), publication(1, { id: "id 2", acceptedAt: 3000 })];
  const clients = [client({ arrivals: arrivalsOf(1) })];
  const killedAt = (from: number) =>
    record({
      ...{ toGroup, publications, clients },
      troubles: [{ kind: "kill", whom: 0, from, to: from + 10 }],
    });
  const amid = "amid which a node or Redis was killed";
  assert.deepEqual([900, 2000, 3100].map((at) => countOf(killedAt(at), amid)), [0, 1, 0]);
});

Deno.test("a member counts once it is accepted, and is in flight without a record", () => {
  const items = [
    { user: "0", id: "a", state: "delivered" },
    { user: "0-1", id: "b", state: "suppressed" },
    { user: "0-1", id: "c", state: "suppressed" },
    { user: "1", id: "d" },
    { user: "1-1", id: "e", state: "in_flight" },
    { user: "2" },
  ];
  assert.deepEqual(outcomeOf(items, { n: 1, id: "id 1", members: 5 }), {
    ...{ n: 1, id: "id 1", members: 5, reached: 4, repeated: 1, open: 2 },
  });
});
