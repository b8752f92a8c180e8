/**
 * Runs a swarm (see `ws_swarm.ts`) in a separate process, so that its memory and CPU time are not
 * counted as the server's.
 */

import { lines, type SwarmOptions, type SwarmReport } from "./ws_swarm.ts";

/** A swarm in another process. */
export interface SwarmProcess extends AsyncDisposable {
  readonly pid: number;
  /** Waits until `count` events have arrived since the last report; returns a report. */
  received(count: number): Promise<SwarmReport>;
  report(): Promise<SwarmReport>;
}

/** Starts the process; resolves when every connection is open. */
export async function spawnSwarm(options: SwarmOptions): Promise<SwarmProcess> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", new URL("./ws_swarm.ts", import.meta.url).pathname],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = process.stdin.getWriter();
  const output = lines(process.stdout);

  async function ask(line: string): Promise<SwarmReport> {
    await input.write(new TextEncoder().encode(`${line}\n`));
    const answer = await output.next();
    if (answer.done) throw new Error("The swarm has ended before it answered");
    return JSON.parse(answer.value);
  }

  await ask(JSON.stringify(options));
  return {
    pid: process.pid,
    received: (count) => ask(`received ${count}`),
    report: () => ask("report"),
    async [Symbol.asyncDispose]() {
      await input.write(new TextEncoder().encode("close\n"));
      await input.close();
      await process.status;
    },
  };
}
