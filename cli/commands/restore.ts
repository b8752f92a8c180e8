/** `restore`: puts a backup where a service is to start on it. */

import { checkExport, importLines, isRedisAddress, openLink } from "../../redis/mod.ts";
import { restoreDataFile } from "../../store/restore.ts";
import { salvageDataFile } from "../../store/salvage.ts";
import { type Input, isSet } from "../definition.ts";
import type { CliDeps } from "../deps.ts";
import { CliError } from "../exit_codes.ts";
import { storePlace } from "../store_place.ts";

/** Restores a data file or Redis, or salvages a damaged data file. */
export default async function run(input: Input, deps: CliDeps): Promise<void> {
  const { output } = deps;
  const from = input.args.from!.replace(/^kv:/, "");
  const to = storePlace(input.args.to, deps);
  if (isRedisAddress(to)) {
    const keys = await importFrom(from, { address: to, deps });
    output.result({ from, keys }, `${from} is restored to Redis: ${keys} keys`);
    return;
  }
  if (isSet(input, "salvage")) {
    const onProgress = (records: number) => output.progress(`${records} records …`);
    const salvaged = await salvageDataFile({ from, to, onProgress });
    const { records, isComplete } = salvaged;
    const rest = isComplete ? "all of it could be read" : "some could not be read and are lost";
    output.result({ from, to, ...salvaged }, `${records} records are salvaged to ${to}: ${rest}`);
    return;
  }
  output.progress(`checking and copying ${from} …`);
  const bytes = await restoreDataFile({ from, to });
  output.result({ from, to, bytes }, `${from} is restored to ${to}: ${bytes} bytes`);
}

/** The whole file is checked before the first key is written. */
async function importFrom(from: string, { address, deps }: {
  readonly address: string;
  readonly deps: CliDeps;
}): Promise<number> {
  const { clock, random, output, signal } = deps;
  if (await isDataFile(from)) {
    throw new CliError(
      "failed",
      `Cannot restore ${from} to Redis: it is a copy of a data file, and Redis takes exports of a ` +
        "Redis only. docs/deploy.md says how to go from one to the other",
    );
  }
  const total = await checkExport(linesOf(from));
  await using link = await openLink(address, { clock, random });
  return await importLines(linesOf(from), {
    link,
    onProgress: (keys) => output.progress(`${keys} of ${total} keys …`),
    signal,
  });
}

/** Every file of SQLite begins like this (sqlite.org/fileformat.html §1.3). */
async function isDataFile(path: string): Promise<boolean> {
  using file = await Deno.open(path);
  const head = new Uint8Array(15);
  await file.read(head);
  return new TextDecoder().decode(head) === "SQLite format 3";
}

async function* linesOf(path: string): AsyncGenerator<string> {
  using file = await Deno.open(path);
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(256 * 1024);
  let rest = "";
  for (let count; (count = await file.read(buffer)) !== null;) {
    const lines = (rest + decoder.decode(buffer.subarray(0, count), { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
