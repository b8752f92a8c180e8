/** Reads the CPU time of a process on Linux by the purpose of its threads. */

/** Microseconds, or shares of them, by group. */
export interface ThreadTimes {
  /** The thread that runs JavaScript; for processes other than Deno everything. */
  readonly main: number;
  /** SQLite below Deno KV. */
  readonly store: number;
  /** V8's helper threads, which mostly collect garbage. */
  readonly collector: number;
  readonly other: number;
}

/** A clock tick of Linux is a hundredth of a second. */
const TICK_US = 10_000;

/** Returns the CPU time in microseconds. */
export async function threadTimes(pid: number): Promise<ThreadTimes> {
  const times = { main: 0, store: 0, collector: 0, other: 0 };
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    // A thread may end meanwhile.
    const stat = await Deno.readTextFile(`/proc/${pid}/task/${name}/stat`).catch(() => undefined);
    if (stat === undefined) continue;
    const comm = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const group = name === String(pid) ? "main" : groupOf(comm);
    times[group] += (Number(fields[11]) + Number(fields[12])) * TICK_US;
  }
  return times;
}

/** Returns the CPU time between two readings, per event. */
export function timesPer(
  events: number,
  { from, to }: { readonly from: ThreadTimes; readonly to: ThreadTimes },
): ThreadTimes {
  return {
    main: (to.main - from.main) / events,
    store: (to.store - from.store) / events,
    collector: (to.collector - from.collector) / events,
    other: (to.other - from.other) / events,
  };
}

/** Returns the sum of all groups. */
export function totalOf({ main, store, collector, other }: ThreadTimes): number {
  return main + store + collector + other;
}

function groupOf(comm: string): keyof ThreadTimes {
  if (comm.startsWith("sw-")) return "store";
  return comm.startsWith("V8") ? "collector" : "other";
}
