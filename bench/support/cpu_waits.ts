/**
 * Reads how long the main thread of a process was ready to run and had no core, on Linux. Where that
 * is much, a measured latency is the machine's and not the program's.
 */

/** Returns the milliseconds so far. */
export async function waitedForCoreMs(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/schedstat`);
  return Number(text.split(" ")[1]) / 1e6;
}
