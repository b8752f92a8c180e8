import assert from "node:assert/strict";
import fc from "fast-check";
import { offsetAt } from "../../core/events.ts";
import { formatEvents, parseEvents } from "../../redis/hub/_event_codec.ts";
import {
  isPresent,
  joinPresence,
  presenceOf,
  type PresenceView,
  socketStatusOf,
} from "../../redis/hub/_presence_records.ts";
import {
  createPresenceReader,
  formatPresence,
  parsePresences,
  parseState,
  type PresenceRecord,
} from "../../redis/hub/_user_state.ts";
import { groupByNode, isComplete } from "../../redis/hub/event_log.ts";
import { resumePointOf } from "../../realtime/_resume.ts";
import { eventFor, SEVEN } from "../contract/events_contract.ts";

const NOW = Date.UTC(2026, 0, 1);
const WINDOW = 120_000;
const HEARTBEAT = 30_000;

/** The view of this node, `self`. */
function view(dead: Readonly<Record<string, number>> = {}): PresenceView {
  const known = ["self", "other"];
  return {
    now: NOW,
    windowMs: WINDOW,
    nodes: {
      id: "self",
      leaseMs: 6_000,
      isAlive: (node) => known.includes(node) && !(node in dead),
      seenAt: (node) => dead[node] ?? (known.includes(node) ? NOW : undefined),
    },
  };
}

function record(fields: Partial<PresenceRecord> = {}): PresenceRecord {
  const joinedAt = NOW - 3_600_000;
  return {
    ...{ id: "c", node: "other", client: "mail", socketId: "s", joinedAt, heartbeatMs: HEARTBEAT },
    acknowledged: offsetAt(joinedAt) - 7,
    ...fields,
  };
}

const SOCKET = { ...SEVEN, id: "c", client: "mail", socketId: "fresh", heartbeatMs: HEARTBEAT };

Deno.test("a socket of a live node is open until it is closed, and gone after the window", () => {
  assert.deepEqual(socketStatusOf(record(), view()), { is: "open" });
  const closed = { at: NOW - WINDOW, acknowledged: 5 };
  assert.deepEqual(socketStatusOf(record({ closed }), view()), { is: "away", acknowledged: 5 });
  const older = { at: NOW - WINDOW - 1, acknowledged: 5 };
  assert.deepEqual(socketStatusOf(record({ closed: older }), view()), { is: "gone" });
});

Deno.test("a socket of a dead node closed when the node was last seen", () => {
  const seenAt = NOW - 10_000;
  const status = socketStatusOf(record(), view({ other: seenAt }));
  assert.equal(status.is, "away");
  const offset = status.is === "away" ? status.acknowledged : NaN;
  assert.ok(
    offset < offsetAt(seenAt - HEARTBEAT) && offset >= offsetAt(seenAt - HEARTBEAT - 6_000),
  );
  assert.equal(socketStatusOf(record(), view({ other: NOW - WINDOW - 1 })).is, "gone");
});

Deno.test("within the first heartbeat interval only what was acknowledged at the join counts", () => {
  const seenAt = NOW - 10_000;
  const joinedAt = seenAt - HEARTBEAT;
  const acknowledged = offsetAt(NOW - 90_000);
  const status = socketStatusOf(record({ joinedAt, acknowledged }), view({ other: seenAt }));
  assert.deepEqual(status, { is: "away", acknowledged: acknowledged });
});

Deno.test("an unknown node may have just started", () => {
  const unknown = { node: "new" };
  assert.equal(socketStatusOf(record({ ...unknown, joinedAt: NOW - 1_000 }), view()).is, "open");
  assert.equal(socketStatusOf(record(unknown), view()).is, "gone");
});

Deno.test("a user whose sockets are all gone is not present", () => {
  const gone = record({ closed: { at: NOW - WINDOW - 1, acknowledged: 5 } });
  const away = record({ closed: { at: NOW - 1, acknowledged: 5 } });
  assert.deepEqual([[], [gone], [gone, away], [record()]].map((each) => isPresent(each, view())), [
    ...[false, false, true, true],
  ]);
  assert.deepEqual(presenceOf([gone, away], view()).length, 1);
});

Deno.test("a connection resumes from what was acknowledged when its socket closed", () => {
  const closed = { at: NOW - 1_000, acknowledged: 4711 };
  const { acknowledged, isUnbroken, lines } = joinPresence([record({ closed })], {
    socket: SOCKET,
    view: view(),
  });
  assert.deepEqual([acknowledged, isUnbroken], [4711, true]);
  const [taken] = parsePresences(lines);
  assert.deepEqual(taken, {
    ...{ id: "c", client: "mail", socketId: "fresh", heartbeatMs: HEARTBEAT },
    ...{ node: "self", joinedAt: NOW, acknowledged: 4711 },
  });
});

Deno.test("a connection whose former socket looks open resumes from a heartbeat ago, or what it acknowledged", () => {
  const elsewhere = joinPresence([record()], { socket: SOCKET, view: view() });
  const { acknowledged: from } = elsewhere;
  assert.ok(from! < offsetAt(NOW - HEARTBEAT) && from! >= offsetAt(NOW - HEARTBEAT - 6_000));
  const here = [record({ node: "self" })];
  assert.equal(
    joinPresence(here, { socket: SOCKET, view: view(), acknowledgedFor: () => 4711 }).acknowledged,
    4711,
  );
  const joining = joinPresence(here, { socket: SOCKET, view: view(), acknowledgedFor: () => -1 });
  assert.equal(joining.acknowledged, here[0]!.acknowledged);
});

Deno.test("a client that returns again before it got `resync` is owed it still, also elsewhere", () => {
  const last = offsetAt(NOW);
  const received = last - 7;
  const first = joinPresence([], { socket: { ...SOCKET, received }, view: view() });
  const former = parsePresences(first.lines).map((each) => ({ ...each, node: "other" }));
  const { acknowledged } = joinPresence(former, {
    socket: { ...SOCKET, received },
    view: { ...view(), now: NOW + 1_000 },
  });
  assert.equal(acknowledged, received);
  const { fallback } = resumePointOf({ offset: received, id: "c" }, { last, acknowledged });
  assert.equal(isComplete(fallback, { last, first: undefined }), false);
});

Deno.test("the highest acknowledged offset of all former sockets of a connection counts", () => {
  const closedAt = (offset: number) =>
    record({ closed: { at: NOW - 1_000, acknowledged: offset } });
  const gone = record({ closed: { at: NOW - WINDOW - 1, acknowledged: 9_000 } });
  const { acknowledged, lines } = joinPresence([closedAt(5), closedAt(7), closedAt(6), gone], {
    socket: SOCKET,
    view: view(),
  });
  assert.equal(acknowledged, 7);
  assert.equal(parsePresences(lines).length, 1);
});

Deno.test("an open socket at another node stays beside one of the same connection", () => {
  const dead = record({ socketId: "dead", node: "dead" });
  const own = record({ socketId: "own", node: "self" });
  const { lines } = joinPresence([record(), dead, own], {
    socket: SOCKET,
    view: view({ dead: NOW - 9_000 }),
  });
  assert.deepEqual(parsePresences(lines).map(({ socketId }) => socketId), ["s", "fresh"]);
});

Deno.test("an unknown connection starts at the end of the log", () => {
  const other = record({ id: "d" });
  const { acknowledged, lines } = joinPresence([other], { socket: SOCKET, view: view() });
  assert.equal(acknowledged, undefined);
  assert.ok(
    lines.startsWith(`\n${formatPresence(other)}\nc self mail fresh ${NOW} ${HEARTBEAT} @`),
  );
});

Deno.test("the records of a user are limited, and closed ones are dropped first", () => {
  const open = Array.from({ length: 20 }, (_, n) => record({ id: `o${n}` }));
  const away = Array.from({ length: 20 }, (_, n) => {
    return record({ id: `a${n}`, closed: { at: NOW - 20 + n, acknowledged: 1 } });
  });
  const { lines } = joinPresence([...away, ...open], { socket: SOCKET, view: view() });
  const ids = parsePresences(lines.replace("@", "0")).map(({ id }) => id);
  assert.equal(ids.length, 32);
  assert.ok(open.every(({ id }) => ids.includes(id)));
  assert.deepEqual(ids.slice(0, 11), away.slice(9).map(({ id }) => id));
});

Deno.test("records come back unchanged, whatever names a client uses", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1 });
  const number = fc.nat({ max: 2 ** 40 });
  const closed = fc.option(fc.record({ at: number, acknowledged: number }), { nil: undefined });
  fc.assert(fc.property(
    fc.array(fc.record({
      ...{ id: text, node: text, client: text, socketId: text },
      ...{ joinedAt: number, heartbeatMs: number, acknowledged: number, closed },
    })),
    number,
    (records, last) => {
      const lines = records.map(({ closed, ...rest }) =>
        closed ? { ...rest, closed: { ...closed } } : rest
      );
      const state = `${last} 0${lines.map((each) => `\n${formatPresence(each)}`).join("")}`;
      assert.deepEqual(parseState(state), { last, presences: lines });
    },
  ));
});

Deno.test("a log is complete where its first event follows the offset and its end is not passed", () => {
  const event = { ...eventFor(SEVEN), offset: 30, previous: 20 };
  assert.ok(isComplete(20, { last: 30, first: event }));
  assert.ok(isComplete(25, { last: 30, first: event }));
  assert.ok(!isComplete(19, { last: 30, first: event }));
  assert.ok(isComplete(30, { last: 30, first: undefined }));
  assert.ok(!isComplete(29, { last: 30, first: undefined }));
  assert.ok(!isComplete(31, { last: 30, first: undefined }));
});

Deno.test("events go once to each node that holds open sockets", () => {
  const event = { ...eventFor(SEVEN), offset: 2, previous: 1 };
  const other = { ...eventFor(SEVEN), offset: 3, previous: 2 };
  const presences = [
    record(),
    record({ id: "d" }),
    record({ id: "e", node: "self", closed: { at: NOW, acknowledged: 1 } }),
    record({ id: "f", node: "dead" }),
  ];
  const nodes = groupByNode(
    [{ event, presences }, { event: other, presences }],
    view({ dead: NOW - 1_000 }),
  );
  assert.deepEqual([...nodes], [["other", [event, other]]]);
});

Deno.test("a message of events comes back unchanged", () => {
  const full = eventFor(SEVEN, { clients: ["mail", "a\nb"], except: "x\ny", args: '"a\\nb",{}' });
  const events = [full, eventFor(SEVEN)].map((event, at) => ({
    ...{ ...event, offset: 2 ** 50 + at, previous: at },
  }));
  assert.deepEqual(parseEvents(formatEvents(events)), events);
});

Deno.test("cached records are the ones that were read before, within the limit of the cache", () => {
  const readPresences = createPresenceReader(4);
  const texts = Array.from({ length: 9 }, (_, n) => `\n${formatPresence(record({ id: `c${n}` }))}`);
  for (const text of texts) {
    const lines = readPresences(text);
    assert.deepEqual(lines, parsePresences(text));
    assert.equal(readPresences(text), lines);
  }
  const [first, ...others] = texts;
  const kept = readPresences(others.at(-1)!);
  readPresences(first!);
  assert.equal(readPresences(others.at(-1)!), kept);
  assert.deepEqual(readPresences(""), []);
});
