/**
 * Checks what clients received: every event, once, in order, and none that the client itself
 * caused.
 */

import { fault, type Finding, info } from "./_finding.ts";
import type { Arrival, ClientRecord, Publication, RunRecord, Span } from "./run_record.ts";

/**
 * The longest time from acceptance to the user's log: an event that was accepted so long before a
 * client disconnected may have been in progress.
 */
const ON_ITS_WAY_MS = 15_000;

/** Notifications that were merged into one; mostly a single one. */
interface Group {
  readonly user: number;
  /** In the order of their numbers. */
  readonly members: readonly Publication[];
}

/** Returns the findings about clients. */
export function judgeClients(record: RunRecord): readonly Finding[] {
  const found = {
    lost: [] as string[],
    stale: [] as string[],
    afterResync: [] as string[],
    awayTooLong: [] as string[],
    sentToSource: [] as string[],
    twice: [] as string[],
    disorder: [] as string[],
    placeless: [] as string[],
    repeats: 0,
    twiceAfterReturn: 0,
    twiceWithoutReturn: [] as string[],
  };
  const byUser = Map.groupBy(groupsOf(record), ({ user }) => user);
  for (const client of record.clients) {
    const got = Map.groupBy(client.arrivals, ({ n }) => n);
    for (const { members } of byUser.get(client.user) ?? []) lookFor(members, client, got);
    if (client.generation === 4) lookAtOffsets(client, got);
    else lookAtRepeats(client, got);
  }

  function lookFor(
    members: readonly Publication[],
    client: ClientRecord,
    got: ReadonlyMap<number, readonly Arrival[]>,
  ): void {
    const newest = members.at(-1)!;
    const text = `${client.name}: n ${newest.n} (${newest.id})`;
    if (members.some(({ source }) => source === client.name)) {
      if (got.has(newest.n)) found.sentToSource.push(text);
      return;
    }
    if (got.has(newest.n) || !wasThere(client, members[0]!)) return;
    if (members.some(({ n }) => got.has(n))) found.stale.push(text);
    else if (client.resyncs.some((at) => couldMiss(newest, awayBefore(client, at)))) {
      found.afterResync.push(text);
    } else if (isForgotten(newest, client)) found.awayTooLong.push(text);
    else found.lost.push(text);
  }

  /** A client of 2.x sends nothing after the window that shows that it was connected before. */
  function isForgotten(missed: Publication, client: ClientRecord): boolean {
    return client.generation === 2 &&
      absences(client, record.windowMs).some((span) => couldMiss(missed, span));
  }

  function lookAtOffsets(
    { name, arrivals }: ClientRecord,
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
    { name, connected }: ClientRecord,
    got: ReadonlyMap<number, readonly Arrival[]>,
  ): void {
    for (const [n, [first, ...more]] of got) {
      for (const { at } of more) {
        if (connected.some(({ from }) => from > first!.at && from <= at)) found.twiceAfterReturn++;
        else found.twiceWithoutReturn.push(`${name}: n ${n}`);
      }
    }
  }

  const all = record.clients;
  const sum = (count: (client: ClientRecord) => number) =>
    all.reduce((total, client) => total + count(client), 0);
  return [
    info("clients", all.length),
    info("events received", sum(({ arrivals }) => arrivals.length)),
    info("returns", sum(({ returns }) => returns)),
    info("  of 4.x", sum(({ generation, returns }) => generation === 4 ? returns : 0)),
    info("  that socket.io-client 4.x reports as recovered", sum(({ recovered }) => recovered)),
    fault("lost", found.lost),
    fault("merged, and not the newest was shown", found.stale),
    info("excused: sent resync", found.afterResync),
    info("excused: 2.x, disconnected longer than the window", found.awayTooLong),
    info("times that resync was sent", sum(({ resyncs }) => resyncs.length)),
    fault("delivered to the client that caused it", found.sentToSource),
    fault("4.x: twice at different offsets", found.twice),
    fault("4.x: offsets out of order", found.disorder),
    fault("4.x: without an offset", found.placeless),
    info("4.x: again at the same offset", found.repeats),
    fault("2.x: twice without a reconnect", found.twiceWithoutReturn),
    info("2.x: twice after a reconnect", found.twiceAfterReturn),
    fault(
      "what a stock client does not recover from by itself",
      all.flatMap(({ name, complaints }) => complaints.map((text) => `${name}: ${text}`)),
    ),
  ];
}

/** Groups the notifications that were merged, by the ledger's records. */
function groupsOf({ publications, ledger }: RunRecord): readonly Group[] {
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

/** Whether a client was connected before something was sent. */
function wasThere({ connected: [first] }: ClientRecord, { sentAt }: Publication): boolean {
  return first !== undefined && first.from <= sentAt;
}

/** The times from a disconnect of a client to its next `resync`. */
function awayBefore({ connected }: ClientRecord, at: number): Span {
  const last = connected.findLast(({ to }) => to < at);
  return { from: last?.to ?? at, to: at };
}

/** The times that a client was disconnected for longer than `ms`. */
function absences({ connected }: ClientRecord, longerThanMs: number): readonly Span[] {
  return connected.slice(1).map(({ from }, index) => ({ from: connected[index]!.to, to: from }))
    .filter(({ from, to }) => to - from > longerThanMs);
}

function couldMiss({ sentAt, acceptedAt }: Publication, { from, to }: Span): boolean {
  return acceptedAt >= from - ON_ITS_WAY_MS && sentAt <= to;
}
