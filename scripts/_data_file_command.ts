// deno-lint-ignore-file no-console -- a command answers on the terminal
/** What the commands about data files share: two paths, and what they say about them. */

import { ServiceError } from "../core/errors.ts";

/** Runs a command on the two paths it was called with; ends the process with 2, 1 or 0. */
export async function runOnPaths(
  usage: string,
  run: (from: string, to: string) => Promise<string>,
): Promise<void> {
  const [from, to, ...more] = Deno.args.map(pathOf);
  if (!from || !to || more.length > 0) {
    console.error(`Usage: deno task ${usage}`);
    Deno.exit(2);
  }
  try {
    console.log(await run(from, to));
  } catch (thrown) {
    if (!(thrown instanceof ServiceError)) throw thrown;
    console.error(thrown.message);
    Deno.exit(1);
  }
}

/** Takes the value of `CARILLON_STORE` as well as a path. */
function pathOf(argument: string): string {
  return argument.replace(/^kv:/, "");
}
