/** Counts what clients observed during a run of kills. Pure. */

import type { ClientRecord } from "./run_record.ts";

/** Sums over all clients, or over those of one generation. */
export interface KillReport {
  /** Missing notifications, over all clients. */
  readonly missing: number;
  /** Clients of 4.8: events received twice at the same offset. */
  readonly twiceByOffset: number;
  /** Clients of 4.8: notifications received twice, at any offset. */
  readonly twice: number;
  /** Clients of 4.8: events at a lower offset than an earlier event. */
  readonly outOfOrder: number;
  /** How many times clients were sent `resync`, by generation. */
  readonly resyncs: { readonly 4: number; readonly 2: number };
  /** Clients of 2.5, which send no offset: the most times that one notification was received. */
  readonly mostOften: number;
  /** How many times clients reconnected, by generation. */
  readonly returns: { readonly 4: number; readonly 2: number };
  /** Clients of 4.8: reconnects that the client reports as recovered. */
  readonly recovered: number;
  /** What a stock client would not have recovered from by itself. */
  readonly complaints: readonly string[];
  readonly arrivals: number;
}

/**
 * Counts what the clients observed.
 *
 * @param expected the numbers of all notifications for a user
 */
export function reportOf(
  clients: readonly ClientRecord[],
  expected: (user: number) => readonly number[],
): KillReport {
  const newer = clients.filter(({ generation }) => generation === 4);
  const older = clients.filter(({ generation }) => generation === 2);
  const sum = (some: readonly ClientRecord[], of: (client: ClientRecord) => number) =>
    some.reduce((total, client) => total + of(client), 0);
  return {
    missing: sum(clients, (client) => {
      const seen = new Set(client.arrivals.map(({ n }) => n));
      return expected(client.user).filter((n) => !seen.has(n)).length;
    }),
    twiceByOffset: sum(newer, ({ arrivals }) => repeats(arrivals.map(({ offset }) => offset))),
    twice: sum(newer, ({ arrivals }) => repeats(arrivals.map(({ n }) => n))),
    outOfOrder: sum(
      newer,
      ({ arrivals }) =>
        arrivals.filter(({ offset }, at) => at > 0 && offset! < arrivals[at - 1]!.offset!).length,
    ),
    resyncs: {
      4: sum(newer, ({ resyncs }) => resyncs.length),
      2: sum(older, ({ resyncs }) => resyncs.length),
    },
    mostOften: older.reduce((most, { arrivals }) => Math.max(most, mostOften(arrivals)), 0),
    returns: {
      4: sum(newer, ({ returns }) => returns),
      2: sum(older, ({ returns }) => returns),
    },
    recovered: sum(newer, ({ recovered }) => recovered),
    complaints: clients.flatMap(({ name, complaints }) =>
      complaints.map((text) => `${name}: ${text}`)
    ),
    arrivals: sum(clients, ({ arrivals }) => arrivals.length),
  };
}

/** Whether there are no faults. Clients of 2.5 may receive events again, but must not miss any. */
export function isSoundReport(report: KillReport): boolean {
  return report.missing + report.twiceByOffset + report.twice + report.outOfOrder +
      report.resyncs[4] + report.resyncs[2] + report.complaints.length === 0;
}

function repeats(all: readonly unknown[]): number {
  return all.length - new Set(all).size;
}

function mostOften(arrivals: readonly { readonly n: number }[]): number {
  const counts = new Map<number, number>();
  for (const { n } of arrivals) counts.set(n, (counts.get(n) ?? 0) + 1);
  let most = 0;
  for (const count of counts.values()) most = Math.max(most, count);
  return most;
}
