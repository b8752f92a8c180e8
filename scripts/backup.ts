/**
 * Backs up the embedded store, also while a service uses it: `deno task backup <data file> <backup>`.
 * The backup is one file, which is a data file itself.
 */

import { systemClock } from "../core/clock.ts";
import { backUpDataFile } from "../store/backup.ts";
import { runOnPaths } from "./_data_file_command.ts";

await runOnPaths("backup <data file> <backup>", async (from, to) => {
  const bytes = await backUpDataFile({ from, to, clock: systemClock, random: Math.random });
  return `${from} is backed up to ${to}: ${bytes} bytes`;
});
