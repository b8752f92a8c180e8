/** Starts a server script of this folder as a separate process and exchanges lines with it. */

import { lines } from "./ws_swarm.ts";

interface DenoServer extends AsyncDisposable {
  readonly pid: number;
  /** The first line that it printed: its port. */
  readonly greeting: string;
  /** Sends a line; resolves to the line that answers it. */
  ask(line: string): Promise<string>;
}

/** Starts a script of this folder. */
export async function startDenoServer(
  script: string,
  { v8Flags = [], env = {} }: {
    readonly v8Flags?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<DenoServer> {
  const flags = v8Flags.length === 0 ? [] : [`--v8-flags=${v8Flags.join(",")}`];
  const path = new URL(`./${script}`, import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-check", ...flags, path],
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  const output = lines(child.stdout);

  async function next(): Promise<string> {
    const line = await output.next();
    if (line.done) throw new Error(`${script} ended before it answered`);
    return line.value;
  }

  return {
    pid: child.pid,
    greeting: await next(),
    async ask(line) {
      await input.write(new TextEncoder().encode(`${line}\n`));
      return await next();
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
}
