// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Prints the permission to write that the environment asks for, as the one argument that the tasks
 * `start` and `dev` put into their command; with `simulator` the one of `simulate`, and with `--all`
 * everything that `deno run` is given before `main.ts`, ready for a shell or a unit file.
 */

import { VARIABLES } from "../service/environment.ts";
import { dataFolder } from "../store/data_folder.ts";
import { writePermission } from "./_write_permission.ts";
import { readStartTask } from "./start_task.ts";

/** The task runs whatever this prints, so the way to end it is a program that ends. */
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
