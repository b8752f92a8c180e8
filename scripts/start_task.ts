/**
 * Reads the flags of `deno task start` from `deno.json`, without the write permission: that depends on
 * the environment, and `permissions.ts` prints it.
 */

/** What the start task passes to `deno run` in every environment. */
interface StartTask {
  /** Variables that the task sets. */
  readonly variables: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
}

/** Reads the task from the text of `deno.json`. */
export function readStartTask(config: string): StartTask {
  const { tasks: { start } } = JSON.parse(config) as {
    tasks: { start: { command: string } };
  };
  const words = start.command.replace(/"\$\([^)]*\)"/, "").split(" ").filter((word) => word !== "");
  const deno = words.indexOf("deno");
  return {
    variables: Object.fromEntries(
      words.slice(0, deno).map((word) => word.split("=") as [string, string]),
    ),
    flags: words.slice(deno + 2, -1),
  };
}
