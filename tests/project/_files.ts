/** The files of the repository, for tests that compare what they say with what is there. */

import { exists as isThere } from "../support/exists.ts";

/** The repository's root, with a slash at its end. */
export const ROOT = new URL("../../", import.meta.url);

/** Folders with files that are not part of the repository. */
const SKIPPED = new Set([".git", ".cache", "node_modules", "data", "coverage"]);

/** The text of a file, by its path from the root. */
export function readText(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

/** Whether a file or folder is there, by its path from the root. */
export function exists(path: string): Promise<boolean> {
  return isThere(new URL(path, ROOT));
}

/** The paths below a folder that end so, in order. */
export async function filesBelow(folder: string, ending: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder || ".", ROOT))) {
    if (isDirectory && !SKIPPED.has(name)) {
      found.push(...await filesBelow(`${folder}${name}/`, ending));
    } else if (!isDirectory && name.endsWith(ending)) found.push(folder + name);
  }
  return found.toSorted();
}

/** A Markdown text without its blocks of code, in which a `[` is no link and a `#` no heading. */
export function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^ *(```+)[\s\S]*?^ *\1 *$/gm, "");
}
