/** A folder with the files of an installation. */

import { runProgram } from "./programs.ts";

const SOURCE = new URL("../../", import.meta.url).pathname;

/** Copies them there, as a checkout has them; tests and pages are left out. */
export async function install(folder: string): Promise<void> {
  const { stdout } = await runProgram(["git", "-C", SOURCE, "ls-files", "-z"]);
  for (const path of stdout.split("\0").filter((each) => each !== "")) {
    if (/^(?:tests|bench|chaos|docs)\//.test(path)) continue;
    const to = `${folder}/${path}`;
    await Deno.mkdir(to.slice(0, to.lastIndexOf("/")), { recursive: true });
    await Deno.copyFile(SOURCE + path, to).catch((thrown) => {
      // One that is deleted and not committed yet.
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    });
  }
}
