// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Prints the write permission that the environment needs, as an argument of `deno run` for the tasks
 * `start` and `dev`; with `simulator` that of `simulate`. With `--all` it prints all arguments of `deno
 * run` before `main.ts`, quoted for a shell or a unit file.
 */

import { VARIABLES } from "../service/environment.ts";
import { dataFolder } from "../store/data_folder.ts";
import { readStartTask } from "./start_task.ts";

/** The task runs what this prints, so on an error it prints a program that exits with 1. */
const END = "data:text/javascript,Deno.exit(1)";
const SIMULATOR_DATA = "./data/simulator";

const [what] = Deno.args;
const permission = what === "simulator"
  ? writePermission(Deno.env.get("SIMULATOR_DATA") || SIMULATOR_DATA, "SIMULATOR_DATA")
  : writePermission(
    dataFolder(Deno.env.get("CARILLON_STORE") || VARIABLES.CARILLON_STORE),
    "CARILLON_STORE",
  );

if (!permission.ok) {
  console.error(permission.message);
  if (what !== "--all") console.log(END);
  Deno.exitCode = 1;
} else if (what === "--all") {
  const config = Deno.readTextFileSync(new URL("../deno.json", import.meta.url));
  console.log([...readStartTask(config).flags, permission.flag].map(quoted).join(" "));
} else {
  console.log(permission.flag);
}

function quoted(word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

type WritePermission =
  | { readonly ok: true; readonly flag: string }
  | { readonly ok: false; readonly message: string };

/** Returns the flag that permits writing to one folder only, or to none. */
function writePermission(folder: string | undefined, variable: string): WritePermission {
  if (folder === undefined) return { ok: true, flag: "--deny-write" };
  // Deno splits paths at commas, and they cannot be escaped.
  if (folder.includes(",")) {
    return {
      ok: false,
      message: `Cannot start: ${variable} names a folder with a comma, ` +
        "for which Deno can give no permission; choose another folder",
    };
  }
  return { ok: true, flag: `--allow-write=${folder}` };
}
