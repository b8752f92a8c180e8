/** Starts a peer on Node.js, installs its packages at first use, and exchanges lines with it. */

import { lines } from "./ws_swarm.ts";

const FOLDER = new URL("../peers/", import.meta.url).pathname;

/** A running peer. */
export interface NodePeer extends AsyncDisposable {
  readonly pid: number;
  /** The first line that it printed. */
  readonly greeting: string;
  /** Sends a line; resolves to the line that answers it. */
  ask(line: string): Promise<string>;
  /** Kills it with SIGKILL. */
  kill(): Promise<void>;
}

/** Starts a script of `bench/peers/`. */
export async function startNodePeer(script: string, args: readonly string[] = []) {
  await install();
  const child = new Deno.Command("node", {
    args: ["--expose-gc", script, ...args],
    cwd: FOLDER,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let ended = false;
  void child.status.then(() => ended = true);
  const input = child.stdin.getWriter();
  const output = lines(child.stdout);

  async function next(): Promise<string> {
    const line = await output.next();
    if (line.done) throw new Error(`${script} ended before it answered`);
    return line.value;
  }

  const greeting = await next();
  const peer: NodePeer = {
    pid: child.pid,
    greeting,
    async kill() {
      child.kill("SIGKILL");
      await child.status;
    },
    async ask(line) {
      await input.write(new TextEncoder().encode(`${line}\n`));
      return await next();
    },
    async [Symbol.asyncDispose]() {
      await input.write(new TextEncoder().encode("close\n")).catch(() => {});
      await input.close().catch(() => {});
      if (!ended) child.kill("SIGTERM");
      await child.status;
    },
  };
  return peer;
}

async function install(): Promise<void> {
  try {
    const { dependencies } = JSON.parse(await Deno.readTextFile(`${FOLDER}package.json`));
    const names = Object.keys(dependencies);
    await Promise.all(names.map((name) => Deno.stat(`${FOLDER}node_modules/${name}`)));
  } catch {
    const { code } = await new Deno.Command("npm", {
      args: ["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"],
      cwd: FOLDER,
      stdout: "null",
    }).output();
    if (code !== 0) throw new Error("Cannot install the peers' packages");
  }
}
