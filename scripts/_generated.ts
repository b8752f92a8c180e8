// deno-lint-ignore-file no-console -- a command answers on the terminal
/** What the generators share: how a file is written or checked, and how a page is formatted. */

import { ROOT } from "./_project.ts";

/** Writes a file of the project. With `--check` the process fails where it is out of date instead. */
export async function writeGenerated(path: string, text: string): Promise<void> {
  if (!Deno.args.includes("--check")) return await Deno.writeTextFile(ROOT + path, text);
  if (await Deno.readTextFile(ROOT + path).catch(() => "") === text) return;
  console.error(`${path} is out of date: run 'deno task docs'`);
  Deno.exitCode = 1;
}

/** Formats Markdown with `deno fmt`, so that the page passes `deno fmt --check`. */
export async function formatMarkdown(markdown: string): Promise<string> {
  const fmt = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = fmt.stdin.getWriter();
  await writer.write(new TextEncoder().encode(markdown));
  await writer.close();
  const { success, stdout } = await fmt.output();
  if (!success) throw new Error("Cannot format the page: 'deno fmt' failed");
  return new TextDecoder().decode(stdout);
}
