// deno-lint-ignore-file no-console -- a command answers on the terminal
/** Runs the commands that take two paths of data files. */

import { ServiceError } from "../core/errors.ts";

/**
 * Runs a command on the two paths of its arguments and prints the result. Exits with 2 where the
 * arguments are wrong and with 1 where the command fails.
 */
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

/** Accepts a value of `CARILLON_STORE` as well as a path. */
function pathOf(argument: string): string {
  return argument.replace(/^kv:/, "");
}
