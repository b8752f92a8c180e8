/** Which store a command is about. */

import { isRedisAddress } from "../redis/mod.ts";
import { VARIABLES } from "../service/environment.ts";
import type { CliDeps } from "./deps.ts";
import { CliError } from "./exit_codes.ts";

/**
 * The path of a data file, or the address of Redis: the argument, or `CARILLON_STORE`.
 *
 * @throws {CliError} where the store is neither, or the argument has a password in it
 */
export function storePlace(argument: string | undefined, { variables }: CliDeps): string {
  if (argument !== undefined && isRedisAddress(argument) && /\/\/[^/]*@/.test(argument)) {
    throw new CliError(
      "usage",
      "An address with a password would stay in the shell's history: set CARILLON_STORE instead",
    );
  }
  const place = argument ?? variables.CARILLON_STORE ?? VARIABLES.CARILLON_STORE;
  if (isRedisAddress(place)) return place;
  const path = place.replace(/^kv:/, "");
  if (path === "" || place === "memory:") {
    throw new CliError("usage", "The store of CARILLON_STORE is neither a data file nor Redis");
  }
  return path;
}
