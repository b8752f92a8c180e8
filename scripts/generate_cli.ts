// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Writes `docs/cli.md` from the definitions of the command line, so that help, completions and
 * documentation say the same. With `--check` it writes nothing and fails where the page differs.
 */

import { referencePage } from "../cli/reference.ts";
import { ROOT } from "./_project.ts";

const PATH = "docs/cli.md";

const text = await formatted(referencePage());
if (Deno.args.includes("--check")) {
  const found = await Deno.readTextFile(ROOT + PATH).catch(() => "");
  if (found !== text) {
    console.error(`${PATH} is out of date: run 'deno task docs'`);
    Deno.exit(1);
  }
} else await Deno.writeTextFile(ROOT + PATH, text);

/** As `deno fmt` would have it. */
async function formatted(markdown: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext=md", "--line-width=100", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(markdown));
  await writer.close();
  const { stdout } = await child.output();
  return new TextDecoder().decode(stdout);
}
