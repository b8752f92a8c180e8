/**
 * Runs the clients that are compared, each as a separate process: scripts on Deno and on Node.js, and
 * `h2load` of Debian's `nghttp2-client`, a client in C that shows the upper limit of the test server.
 */

import { BODY, headersOf } from "./apns_request.mjs";
import { startNodePeer } from "./node_peer.ts";

/** The result of a closed loop, see `closed_loop.mjs`. */
export interface Measured {
  readonly perSecond: number;
  /** Absent where it is unknown. */
  readonly cpuMicroseconds?: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly failed?: number;
}

const POSTS = 300_000;

/** Whether the program is installed. */
export function hasH2load(): boolean {
  try {
    return new Deno.Command("h2load", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Sends one POST repeatedly, over 4 connections with 100 concurrent requests each. */
export async function runH2load(address: string): Promise<Measured> {
  const body = await Deno.makeTempFile({ prefix: "bench_" });
  try {
    await Deno.writeTextFile(body, BODY);
    const headers = Object.entries(headersOf(0)).flatMap((
      [name, value],
    ) => ["-H", `${name}: ${value}`]);
    const { stdout } = await new Deno.Command("h2load", {
      args: ["-n", String(POSTS), "-c", "4", "-m", "100", "-t", "1", "-d", body, ...headers]
        .concat(`${address}/3/device/${"0".repeat(64)}`),
      stderr: "inherit",
    }).output();
    const text = new TextDecoder().decode(stdout);
    const perSecond = Number(/([\d.]+) req\/s/.exec(text)?.[1]);
    if (!text.includes(`${POSTS} succeeded`)) throw new Error(`h2load failed:\n${text}`);
    return { perSecond };
  } finally {
    await Deno.remove(body);
  }
}

/** Runs a script of this folder on Deno; returns its measurements. */
export async function runDeno(script: string, settings: unknown): Promise<Measured> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL(`./${script}`, import.meta.url).pathname]
      .concat(JSON.stringify(settings)),
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`${script} failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Runs a script of `bench/peers/` on Node.js; returns its measurements. */
export async function runNode(script: string, settings: unknown): Promise<Measured> {
  await using running = await startNodePeer(script, [JSON.stringify(settings)]);
  return JSON.parse(running.greeting);
}
