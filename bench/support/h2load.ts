/** POSTs by a client in C, of Debian's `nghttp2-client`: the upper limit of the test server. */

import { BODY, headersOf } from "./apns_request.mjs";

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
export async function runH2load(address: string): Promise<{ readonly perSecond: number }> {
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
