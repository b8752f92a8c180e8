/**
 * Restores a backup before a service is started on it: `deno task restore <backup> <data file>`.
 * Refuses a data file that is in use or exists.
 */

import { restoreDataFile } from "../store/restore.ts";
import { runOnPaths } from "./_data_file_command.ts";

await runOnPaths("restore <backup> <data file>", async (from, to) => {
  const bytes = await restoreDataFile({ from, to });
  return `${from} is restored to ${to}: ${bytes} bytes`;
});
