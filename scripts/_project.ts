/** Paths and source files of the project, for its own checks. */

/** The project's root as a path that ends with a slash. */
export const ROOT = decodeURIComponent(new URL("..", import.meta.url).pathname);

/** Returns the path of a file within the project, with `/` between its parts. */
export function inProject(path: string): string {
  const normal = path.replaceAll("\\", "/");
  return normal.startsWith(ROOT) ? normal.slice(ROOT.length) : normal;
}

/** Returns the top-level folder of a file within the project; empty for files at the root. */
export function folderOf(path: string): string {
  const slash = path.indexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** Returns the file that a file imports: `imported("a/b.ts", "../c/d.ts")` is `"c/d.ts"`. */
export function imported(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

const SKIPPED = new Set([".git", "node_modules", "data", "coverage"]);

/** Yields the absolute path of each TypeScript file below a folder, whose path ends with a slash. */
export async function* sources(folder: string): AsyncIterable<string> {
  for await (const entry of Deno.readDir(folder)) {
    if (SKIPPED.has(entry.name)) continue;
    if (entry.isDirectory) yield* sources(`${folder}${entry.name}/`);
    else if (entry.isFile && /\.tsx?$/.test(entry.name)) yield folder + entry.name;
  }
}
