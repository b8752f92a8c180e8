/** Runs scripts by their hash, so that each server receives the text of a script only once. */

import { createHash } from "node:crypto";
import type { Command } from "./_client.ts";
import { meaningOf } from "./_errors.ts";
import type { Reply, Script } from "../link.ts";

const hashes = new WeakMap<Script, string>();

/** Returns the SHA-1 of a script, for `EVALSHA`. */
export function hashOf(script: Script): string {
  let hash = hashes.get(script);
  if (hash === undefined) {
    hash = createHash("sha1").update(script.lua).digest("hex");
    hashes.set(script, hash);
  }
  return hash;
}

/** Runs a script by its hash, or with its text if the server does not have it. */
export async function runScript(
  script: Script,
  { keys, args, send }: {
    readonly keys: readonly string[];
    readonly args: readonly (string | number)[];
    readonly send: (command: Command) => Promise<Reply>;
  },
): Promise<Reply> {
  try {
    return await send(["EVALSHA", hashOf(script), keys.length, ...keys, ...args]);
  } catch (thrown) {
    if (meaningOf(thrown) !== "unknown_script") throw thrown;
    return await send(["EVAL", script.lua, keys.length, ...keys, ...args]);
  }
}
