/** What clients got: everything, once, in order, and not what they had caused themselves. */

import { fault, type Finding, told } from "./_finding.ts";
import type { Arrival, ClientStory, Publication, Span, Story } from "./story.ts";

/**
 * From acceptance to the user's log, at worst: what was accepted so long before a client went away
 * may have been on its way.
 */
const ON_ITS_WAY_MS = 15_000;

/** Notifications that became one; mostly it is one alone. */
interface Group {
  readonly user: number;
  /** In the order of their numbers. */
  readonly members: readonly Publication[];
}

/** See the file's comment. */
export function judgeClients(story: Story): readonly Finding[] {
  const found = {
    lost: [] as string[],
    stale: [] as string[],
    afterResync: [] as string[],
    awayTooLong: [] as string[],
    toldToSource: [] as string[],
    twice: [] as string[],
    disorder: [] as string[],
    placeless: [] as string[],
    repeats: 0,
    twiceAfterReturn: 0,
    twiceWithoutReturn: [] as string[],
  };
  const byUser = Map.groupBy(groupsOf(story), ({ user }) => user);
  for (const client of story.clients) {
    const got = Map.groupBy(client.arrivals, ({ n }) => n);
    for (const { members } of byUser.get(client.user) ?? []) lookFor(members, client, got);
    if (client.generation === 4) lookAtOffsets(client, got);
    else lookAtRepeats(client, got);
  }

  function lookFor(
    members: readonly Publication[],
    client: ClientStory,
    got: ReadonlyMap<number, readonly Arrival[]>,
  ): void {
    const newest = members.at(-1)!;
    const text = `${client.name}: n ${newest.n} (${newest.id})`;
    if (members.some(({ source }) => source === client.name)) {
      if (got.has(newest.n)) found.toldToSource.push(text);
      return;
    }
    if (got.has(newest.n) || !wasThere(client, members[0]!)) return;
    if (members.some(({ n }) => got.has(n))) found.stale.push(text);
    else if (client.resyncs.some((at) => couldMiss(newest, awayBefore(client, at)))) {
      found.afterResync.push(text);
    } else if (isForgotten(newest, client)) found.awayTooLong.push(text);
    else found.lost.push(text);
  }

  /** A client of 2.x brings nothing that shows, after the window, that it has been there before. */
  function isForgotten(missed: Publication, client: ClientStory): boolean {
    return client.generation === 2 &&
      absences(client, story.windowMs).some((span) => couldMiss(missed, span));
  }

  function lookAtOffsets(
    { name, arrivals }: ClientStory,
    got: ReadonlyMap<number, readonly Arrival[]>,
  ): void {
    for (const [n, all] of got) {
      const places = new Set(all.map(({ offset }) => offset));
      if (places.size > 1) found.twice.push(`${name}: n ${n} at ${[...places].join(" and ")}`);
      found.repeats += all.length - places.size;
    }
    let last = "";
    const seen = new Set<string>();
    for (const { n, offset } of arrivals) {
      if (offset === undefined) {
        found.placeless.push(`${name}: n ${n}`);
        continue;
      }
      if (offset <= last && !seen.has(offset)) {
        found.disorder.push(`${name}: n ${n} at ${offset} after ${last}`);
      }
      seen.add(offset);
      if (offset > last) last = offset;
    }
  }

  function lookAtRepeats(
    { name, connected }: ClientStory,
    got: ReadonlyMap<number, readonly Arrival[]>,
  ): void {
    for (const [n, [first, ...more]] of got) {
      for (const { at } of more) {
        if (connected.some(({ from }) => from > first!.at && from <= at)) found.twiceAfterReturn++;
        else found.twiceWithoutReturn.push(`${name}: n ${n}`);
      }
    }
  }

  const all = story.clients;
  const sum = (count: (client: ClientStory) => number) =>
    all.reduce((total, client) => total + count(client), 0);
  return [
    told("clients", all.length),
    told("events that arrived", sum(({ arrivals }) => arrivals.length)),
    told("returns", sum(({ returns }) => returns)),
    told("  of 4.x", sum(({ generation, returns }) => generation === 4 ? returns : 0)),
    told("  that the client of 4.x calls recovered", sum(({ recovered }) => recovered)),
    fault("lost", found.lost),
    fault("merged, and not the newest was shown", found.stale),
    told("excused: told resync", found.afterResync),
    told("excused: 2.x, away longer than the window", found.awayTooLong),
    told("times that resync was told", sum(({ resyncs }) => resyncs.length)),
    fault("told to the client that caused it", found.toldToSource),
    fault("4.x: twice at different offsets", found.twice),
    fault("4.x: offsets out of order", found.disorder),
    fault("4.x: without an offset", found.placeless),
    told("4.x: isRepeat at the same offset", found.repeats),
    fault("2.x: twice without a return", found.twiceWithoutReturn),
    told("2.x: twice after a return", found.twiceAfterReturn),
    fault(
      "what a stock client does not get over by itself",
      all.flatMap(({ name, complaints }) => complaints.map((text) => `${name}: ${text}`)),
    ),
  ];
}

/** Puts those together that were merged, by the records of the ledger. */
function groupsOf({ publications, ledger }: Story): readonly Group[] {
  function rootOf(id: string): string {
    const into = ledger.get(id)?.mergedInto;
    return into === undefined ? id : rootOf(into);
  }
  const groups = Map.groupBy(publications, ({ id }) => rootOf(id));
  return [...groups.values()].map((members) => ({
    user: members[0]!.user,
    members: members.toSorted((a, b) => a.n - b.n),
  }));
}

/** Whether a client had been connected before something was sent. */
function wasThere({ connected: [first] }: ClientStory, { sentAt }: Publication): boolean {
  return first !== undefined && first.from <= sentAt;
}

/** From when a client lost its connection to when it was told that something is missing. */
function awayBefore({ connected }: ClientStory, at: number): Span {
  const last = connected.findLast(({ to }) => to < at);
  return { from: last?.to ?? at, to: at };
}

/** The times that a client was away for longer than so many milliseconds. */
function absences({ connected }: ClientStory, longerThanMs: number): readonly Span[] {
  return connected.slice(1).map(({ from }, index) => ({ from: connected[index]!.to, to: from }))
    .filter(({ from, to }) => to - from > longerThanMs);
}

function couldMiss({ sentAt, acceptedAt }: Publication, { from, to }: Span): boolean {
  return acceptedAt >= from - ON_ITS_WAY_MS && sentAt <= to;
}
