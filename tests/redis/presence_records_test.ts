import assert from "node:assert/strict";
import fc from "fast-check";
import { offsetAt } from "../../core/events.ts";
import { formatEvents, parseEvents } from "../../redis/hub/_event_codec.ts";
import {
  isThere,
  presenceOf,
  type PresenceView,
  socketStandingOf,
  takePresence,
} from "../../redis/hub/_presence_records.ts";
import {
  createPresenceReader,
  formatPresence,
  parsePresences,
  parseState,
  type PresenceRecord,
} from "../../redis/hub/_user_state.ts";
import { byNode, isComplete } from "../../redis/hub/event_log.ts";
import { eventFor, SEVEN } from "../contract/events_contract.ts";

const NOW = Date.UTC(2026, 0, 1);
const WINDOW = 120_000;
const BEAT = 30_000;

/** What this node, `self`, sees of the others. */
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

function line(fields: Partial<PresenceRecord> = {}): PresenceRecord {
  const joinedAt = NOW - 3_600_000;
  return {
    ...{ id: "c", node: "other", client: "mail", socketId: "s", joinedAt, heartbeatMs: BEAT },
    floor: offsetAt(joinedAt) - 7,
    ...fields,
  };
}

const SEAT = { ...SEVEN, id: "c", client: "mail", socketId: "fresh", heartbeatMs: BEAT };

Deno.test("a socket of a node that is there is open until it says goodbye", () => {
  assert.deepEqual(socketStandingOf(line(), view()), { is: "open" });
  const left = { at: NOW - WINDOW, from: 5 };
  assert.deepEqual(socketStandingOf(line({ left }), view()), { is: "away", from: 5 });
  const older = { at: NOW - WINDOW - 1, from: 5 };
  assert.deepEqual(socketStandingOf(line({ left: older }), view()), { is: "gone" });
});

Deno.test("a socket of a node that is gone left when the node was last seen", () => {
  const seenAt = NOW - 10_000;
  const standing = socketStandingOf(line(), view({ other: seenAt }));
  assert.equal(standing.is, "away");
  const from = standing.is === "away" ? standing.from : NaN;
  assert.ok(from < offsetAt(seenAt - BEAT) && from >= offsetAt(seenAt - BEAT - 6_000));
  assert.equal(socketStandingOf(line(), view({ other: NOW - WINDOW - 1 })).is, "gone");
});

Deno.test("within its first beat nothing is certain but what was so when it joined", () => {
  const seenAt = NOW - 10_000;
  const joinedAt = seenAt - BEAT;
  const floor = offsetAt(NOW - 90_000);
  const standing = socketStandingOf(line({ joinedAt, floor }), view({ other: seenAt }));
  assert.deepEqual(standing, { is: "away", from: floor });
});

Deno.test("a node that nobody has seen yet may have just come", () => {
  const unknown = { node: "new" };
  assert.equal(socketStandingOf(line({ ...unknown, joinedAt: NOW - 1_000 }), view()).is, "open");
  assert.equal(socketStandingOf(line(unknown), view()).is, "gone");
});

Deno.test("a user of whom everybody is gone is not there", () => {
  const gone = line({ left: { at: NOW - WINDOW - 1, from: 5 } });
  const away = line({ left: { at: NOW - 1, from: 5 } });
  assert.deepEqual([[], [gone], [gone, away], [line()]].map((each) => isThere(each, view())), [
    ...[false, false, true, true],
  ]);
  assert.deepEqual(presenceOf([gone, away], view()).length, 1);
});

Deno.test("a connection resumes from what was acknowledged when it left", () => {
  const left = { at: NOW - 1_000, from: 4711 };
  const { from, wasThere, seats } = takePresence([line({ left })], { seat: SEAT, view: view() });
  assert.deepEqual([from, wasThere], [4711, true]);
  const [taken] = parsePresences(seats);
  assert.deepEqual(taken, {
    ...{ id: "c", client: "mail", socketId: "fresh", heartbeatMs: BEAT },
    ...{ node: "self", joinedAt: NOW, floor: 4711 },
  });
});

Deno.test("a connection whose old socket looks open resumes from a beat ago, or what is proven", () => {
  const elsewhere = takePresence([line()], { seat: SEAT, view: view() });
  const { from } = elsewhere;
  assert.ok(from! < offsetAt(NOW - BEAT) && from! >= offsetAt(NOW - BEAT - 6_000));
  const here = [line({ node: "self" })];
  assert.equal(takePresence(here, { seat: SEAT, view: view(), provenOf: () => 4711 }).from, 4711);
  const joining = takePresence(here, { seat: SEAT, view: view(), provenOf: () => -1 });
  assert.equal(joining.from, here[0]!.floor);
});

Deno.test("of all that former sockets of a connection say, the furthest counts", () => {
  const left = (from: number) => line({ left: { at: NOW - 1_000, from } });
  const gone = line({ left: { at: NOW - WINDOW - 1, from: 9_000 } });
  const { from, seats } = takePresence([left(5), left(7), left(6), gone], {
    seat: SEAT,
    view: view(),
  });
  assert.equal(from, 7);
  assert.equal(parsePresences(seats).length, 1);
});

Deno.test("a socket that is open at another node keeps its seat beside one of the same connection", () => {
  const dead = line({ socketId: "dead", node: "dead" });
  const own = line({ socketId: "own", node: "self" });
  const { seats } = takePresence([line(), dead, own], {
    seat: SEAT,
    view: view({ dead: NOW - 9_000 }),
  });
  assert.deepEqual(parsePresences(seats).map(({ socketId }) => socketId), ["s", "fresh"]);
});

Deno.test("a connection that nobody knows begins at the end of the log", () => {
  const other = line({ id: "d" });
  const { from, seats } = takePresence([other], { seat: SEAT, view: view() });
  assert.equal(from, undefined);
  assert.ok(seats.startsWith(`\n${formatPresence(other)}\nc self mail fresh ${NOW} ${BEAT} @`));
});

Deno.test("the lines of a user are bounded, and those that left go first", () => {
  const open = Array.from({ length: 20 }, (_, n) => line({ id: `o${n}` }));
  const away = Array.from({ length: 20 }, (_, n) => {
    return line({ id: `a${n}`, left: { at: NOW - 20 + n, from: 1 } });
  });
  const { seats } = takePresence([...away, ...open], { seat: SEAT, view: view() });
  const ids = parsePresences(seats.replace("@", "0")).map(({ id }) => id);
  assert.equal(ids.length, 32);
  assert.ok(open.every(({ id }) => ids.includes(id)));
  assert.deepEqual(ids.slice(0, 11), away.slice(9).map(({ id }) => id));
});

Deno.test("lines come back as they were written, whatever a client calls itself", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1 });
  const number = fc.nat({ max: 2 ** 40 });
  const left = fc.option(fc.record({ at: number, from: number }), { nil: undefined });
  fc.assert(fc.property(
    fc.array(fc.record({
      ...{ id: text, node: text, client: text, socketId: text },
      ...{ joinedAt: number, heartbeatMs: number, floor: number, left },
    })),
    number,
    (records, last) => {
      const lines = records.map(({ left, ...rest }) =>
        left ? { ...rest, left: { ...left } } : rest
      );
      const state = `${last} 0${lines.map((each) => `\n${formatPresence(each)}`).join("")}`;
      assert.deepEqual(parseState(state), { last, presences: lines });
    },
  ));
});

Deno.test("a log is complete where its first event follows on, and its end is not passed", () => {
  const event = { ...eventFor(SEVEN), offset: 30, previous: 20 };
  assert.ok(isComplete(20, { last: 30, first: event }));
  assert.ok(isComplete(25, { last: 30, first: event }));
  assert.ok(!isComplete(19, { last: 30, first: event }));
  assert.ok(isComplete(30, { last: 30, first: undefined }));
  assert.ok(!isComplete(29, { last: 30, first: undefined }));
  assert.ok(!isComplete(31, { last: 30, first: undefined }));
});

Deno.test("events go to the nodes that hold open sockets, once each", () => {
  const event = { ...eventFor(SEVEN), offset: 2, previous: 1 };
  const other = { ...eventFor(SEVEN), offset: 3, previous: 2 };
  const presences = [
    line(),
    line({ id: "d" }),
    line({ id: "e", node: "self", left: { at: NOW, from: 1 } }),
    line({ id: "f", node: "dead" }),
  ];
  const nodes = byNode(
    [{ event, presences }, { event: other, presences }],
    view({ dead: NOW - 1_000 }),
  );
  assert.deepEqual([...nodes], [["other", [event, other]]]);
});

Deno.test("a message of events comes back as it was written", () => {
  const full = eventFor(SEVEN, { clients: ["mail", "a\nb"], except: "x\ny", args: '"a\\nb",{}' });
  const events = [full, eventFor(SEVEN)].map((event, at) => ({
    ...{ ...event, offset: 2 ** 50 + at, previous: at },
  }));
  assert.deepEqual(parseEvents(formatEvents(events)), events);
});

Deno.test("lines that are read isRepeat are those that were read before, however many others there were", () => {
  const readSeats = createPresenceReader(4);
  const texts = Array.from({ length: 9 }, (_, n) => `\n${formatPresence(line({ id: `c${n}` }))}`);
  for (const text of texts) {
    const lines = readSeats(text);
    assert.deepEqual(lines, parsePresences(text));
    assert.equal(readSeats(text), lines);
  }
  const [first, ...others] = texts;
  const kept = readSeats(others.at(-1)!);
  readSeats(first!);
  assert.equal(readSeats(others.at(-1)!), kept);
  assert.deepEqual(readSeats(""), []);
});
