/** The code samples of README and docs. */

const ROOT = new URL("../../", import.meta.url);

/** One fenced block. */
export interface Fence {
  readonly file: string;
  /** Of its first line of code. */
  readonly line: number;
  /** Empty where it names none. */
  readonly language: string;
  readonly code: string;
}

/** Pages for people; generated ones and decisions included. */
export async function pages(): Promise<readonly string[]> {
  const found = ["README.md", "AGENTS.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
  found.push("clients/js/README.md", "examples/README.md");
  for (const folder of ["docs/", "docs/decisions/"]) {
    for await (const { name, isFile } of Deno.readDir(new URL(folder, ROOT))) {
      if (isFile && name.endsWith(".md")) found.push(folder + name);
    }
  }
  return found.sort();
}

/** The text of a page. */
export function readPage(file: string): Promise<string> {
  return Deno.readTextFile(new URL(file, ROOT));
}

/** All fenced blocks of a page, also those within lists. */
export async function fencesOf(file: string): Promise<readonly Fence[]> {
  const lines = (await readPage(file)).split("\n");
  const fences: Fence[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, indent, language] = /^(\s*)```(\w*)\s*$/.exec(lines[at]!) ?? [];
    if (indent === undefined) continue;
    const from = at + 1;
    while (lines[++at]?.trim() !== "```") {
      if (at >= lines.length) throw new Error(`${file}:${from}: the block has no end`);
    }
    const code = lines.slice(from, at).map((line) => line.slice(indent.length)).join("\n");
    fences.push({ file, line: from + 1, language: language!, code });
  }
  return fences;
}

/** All fenced blocks. */
export async function allFences(): Promise<readonly Fence[]> {
  return (await Promise.all((await pages()).map(fencesOf))).flat();
}
