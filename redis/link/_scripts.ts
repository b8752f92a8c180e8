/** Scripts by their hash, so that their text travels once per server and not once per call. */

import { createHash } from "node:crypto";
import { meaningOf } from "./_errors.ts";
import type { Reply, Script } from "../link.ts";

const hashes = new WeakMap<Script, string>();

/** The SHA-1 of a script, as `EVALSHA` wants it. */
export function hashOf(script: Script): string {
  let hash = hashes.get(script);
  if (hash === undefined) {
    hash = createHash("sha1").update(script.lua).digest("hex");
    hashes.set(script, hash);
  }
  return hash;
}

/** Runs a script by its hash, and with its whole text where the server does not know it. */
export async function runScript(
  script: Script,
  { keys, args, send }: {
    readonly keys: readonly string[];
    readonly args: readonly (string | number)[];
    readonly send: (command: readonly (string | number)[]) => Promise<Reply>;
  },
): Promise<Reply> {
  try {
    return await send(["EVALSHA", hashOf(script), keys.length, ...keys, ...args]);
  } catch (thrown) {
    if (meaningOf(thrown) !== "unknown_script") throw thrown;
    return await send(["EVAL", script.lua, keys.length, ...keys, ...args]);
  }
}
