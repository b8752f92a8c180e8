/** Reads the limits of a process from Linux. The runtime itself may not read `/proc`. */

import type { ProcessFacts } from "../facts.ts";

/** Limits of a process; nothing where the system does not tell. */
export async function probeProcess(pid: string | undefined): Promise<ProcessFacts | undefined> {
  if (pid !== undefined && !/^\d{1,10}$/.test(pid)) return undefined;
  try {
    const { stdout, success } = await new Deno.Command("cat", {
      args: [`/proc/${pid ?? "self"}/limits`],
      ...{ stdin: "null", stderr: "null" },
    }).output();
    if (!success) return undefined;
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(new TextDecoder().decode(stdout))?.[1];
    if (soft === undefined) return undefined;
    return { openFiles: soft === "unlimited" ? Infinity : Number(soft) };
  } catch {
    return undefined;
  }
}
