// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task check-config <folder>`: says what of an Open-Xchange configuration folder is used here,
 * what is ignored and why, and what differs from the original's meaning. Exit status: 0 where a start
 * on it would succeed, 1 where faults would stop it, 2 where there is no such folder.
 */

import { createDenoConfigFiles, isConfigurationFile, isOurFile } from "../cascade/mod.ts";
import { messageOf } from "../core/errors.ts";
import { type FolderContent, reportOn } from "../service/config_check.ts";

const [folder, ...others] = Deno.args;
if (folder === undefined || others.length > 0) {
  console.error("Usage: deno task check-config <folder>");
  Deno.exit(2);
}
if (!await isFolder(folder)) {
  console.error(`Cannot check ${folder}: it is no folder, or cannot be read`);
  Deno.exit(2);
}
const { lines, ok } = reportOn(await contentOf(folder));
for (const line of lines) console.log(line);
console.log(ok ? "A start on this folder succeeds." : "A start on this folder fails.");
Deno.exit(ok ? 0 : 1);

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}

async function contentOf(folder: string): Promise<FolderContent> {
  const files = createDenoConfigFiles(folder);
  const unreadable: FolderContent["unreadable"][number][] = [];
  function cannotRead(path: string, thrown: unknown): void {
    unreadable.push({ path, reason: messageOf(thrown, 200), isOurs: isOurFile(path) });
  }
  const found = await files.list(cannotRead);
  const texts = new Map<string, string>();
  for (const path of found.filter(isConfigurationFile)) {
    await files.read(path).then((text) => texts.set(path, text), (why) => cannotRead(path, why));
  }
  const all = await filesBelow(folder, "");
  const leftOut = all.filter((path) => !found.includes(path) || !isConfigurationFile(path));
  return { texts, unreadable, leftOut };
}

/** Every file whose name is like that of a configuration file, its backups among them. */
async function filesBelow(root: string, below: string): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(`${root}/${below}`)) {
      if (isDirectory) found.push(...await filesBelow(root, `${below}${name}/`));
      else if (/\.(?:properties|ya?ml)/.test(name)) found.push(below + name);
    }
  } catch {
    // It is among those that cannot be read.
  }
  return found.sort();
}
